"""`usage` of a response: https://platform.openai.com/docs/api-reference/responses/object."""

from typing import Any

from havuz_gateway.protocols.usage import Usage


def write_usage(usage: Usage) -> dict[str, Any]:
    """`usage` with all details, which SDKs require."""
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.output,
    }
