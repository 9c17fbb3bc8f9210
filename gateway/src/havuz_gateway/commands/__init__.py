"""Commands that look into what the gateways share: each is given a Redis and a place to write to, and returns an exit
code."""
