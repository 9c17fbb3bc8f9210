"""OpenAI's `usage` object, normalised.

`prompt_tokens` includes cached tokens and `completion_tokens` includes reasoning, as havuz's own form does.
https://platform.openai.com/docs/api-reference/chat/object
"""

from typing import Any

from havuz_gateway.protocols.usage import TokenReader, Usage


def read_usage(usage: Any) -> Usage | None:
    """The usage a provider reported, or None where it reported none. Impossible numbers are clamped and flagged."""
    if not isinstance(usage, dict):
        return None
    read = TokenReader()
    prompt_details = usage.get("prompt_tokens_details")
    return Usage(
        input=read.tokens(usage, "prompt_tokens"),
        output=read.tokens(usage, "completion_tokens"),
        cache_read=read.tokens(prompt_details, "cached_tokens"),
        cache_write=read.tokens(prompt_details, "cache_write_tokens"),
        reasoning=read.tokens(usage.get("completion_tokens_details"), "reasoning_tokens"),
        clamped=read.clamped,
    )
