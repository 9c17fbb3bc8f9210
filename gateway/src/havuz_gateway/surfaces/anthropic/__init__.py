"""Anthropic's API under `/v1` and `/api/v1`."""
