"""OpenAI's `usage` object, normalised.

`prompt_tokens` includes cached tokens and `completion_tokens` includes reasoning, as havuz's own form does.
https://platform.openai.com/docs/api-reference/chat/object
"""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.usage import Usage

_ABSURD_TOKENS = 1_000_000_000


def read_usage(usage: Any) -> Usage | None:
    """The usage a provider reported, or None where it reported none. Impossible numbers are clamped and flagged."""
    if not isinstance(usage, Mapping):
        return None
    clamped = False

    def tokens(holder: Any, name: str) -> int:
        nonlocal clamped
        value = holder.get(name) if isinstance(holder, Mapping) else None
        if value is None:
            return 0
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _ABSURD_TOKENS:
            clamped = True
            return 0
        return int(value)

    prompt_details = usage.get("prompt_tokens_details")
    return Usage(
        input=tokens(usage, "prompt_tokens"),
        output=tokens(usage, "completion_tokens"),
        cache_read=tokens(prompt_details, "cached_tokens"),
        cache_write=tokens(prompt_details, "cache_write_tokens"),
        reasoning=tokens(usage.get("completion_tokens_details"), "reasoning_tokens"),
        clamped=clamped,
    )
