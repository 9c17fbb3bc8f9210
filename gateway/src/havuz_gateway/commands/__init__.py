"""Commands that look into the books: each is given a Redis and a place to write to, and returns an exit code."""
