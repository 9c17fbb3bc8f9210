"""The gateway: one request's way from a client to a provider and back."""
