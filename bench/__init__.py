"""What a request costs: the gateway beside a plain proxy and nginx, in one interleaved session."""
