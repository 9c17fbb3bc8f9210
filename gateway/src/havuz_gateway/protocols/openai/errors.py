"""Errors of providers that speak OpenAI's protocol, or nearly: https://platform.openai.com/docs/guides/error-codes."""

from havuz_gateway.protocols.error_bodies import read_error, read_stream_error

__all__ = ["read_error", "read_stream_error"]
