"""`usage` as OpenAI writes it outside of Chat Completions: of responses, pictures and sound.

`input_tokens` includes cached ones and `output_tokens` reasoning, as havuz's own form does.
https://platform.openai.com/docs/api-reference/responses/object
"""

from typing import Any

from havuz_gateway.protocols.usage import TokenReader, Usage


def read_usage(usage: Any) -> Usage | None:
    """The usage that a provider reported, None where it reported none. Impossible numbers are clamped and flagged."""
    if not isinstance(usage, dict):
        return None
    read = TokenReader()
    details = usage.get("input_tokens_details")
    return Usage(
        input=read.tokens(usage, "input_tokens"),
        output=read.tokens(usage, "output_tokens"),
        cache_read=read.tokens(details, "cached_tokens"),
        cache_write=read.tokens(details, "cache_write_tokens"),
        reasoning=read.tokens(usage.get("output_tokens_details"), "reasoning_tokens"),
        clamped=read.clamped,
    )
