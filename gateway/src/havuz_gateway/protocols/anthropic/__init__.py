"""Anthropic's Messages on the wire."""
