"""Gemini's `usageMetadata`, where `candidatesTokenCount` excludes thoughts and `promptTokenCount` includes the cache.

`toolUsePromptTokenCount` (what Google's own tools put into the prompt) is billed as input and counted as such.
Gemini has no word for cache writes: for its clients havuz adds `cacheWriteTokenCount` where another provider had some.
https://ai.google.dev/api/generate-content#UsageMetadata
"""

from typing import Any

from havuz_gateway.protocols.usage import TokenReader, Usage

CACHE_WRITES = "cacheWriteTokenCount"


def read_usage(usage: Any) -> Usage | None:
    """The usage a provider reported, or None where it reported none. Impossible numbers are clamped and flagged."""
    if not isinstance(usage, dict):
        return None
    read = TokenReader()
    thoughts = read.tokens(usage, "thoughtsTokenCount")
    return Usage(
        input=read.tokens(usage, "promptTokenCount") + read.tokens(usage, "toolUsePromptTokenCount"),
        output=read.tokens(usage, "candidatesTokenCount") + thoughts,
        cache_read=read.tokens(usage, "cachedContentTokenCount"),
        cache_write=read.tokens(usage, CACHE_WRITES),
        reasoning=thoughts,
        clamped=read.clamped,
    )


def write_usage(usage: Usage) -> dict[str, Any]:
    """Gemini's `usageMetadata`."""
    members: dict[str, Any] = {"promptTokenCount": usage.input}
    if usage.cache_read:
        members["cachedContentTokenCount"] = usage.cache_read
    if usage.cache_write:
        members[CACHE_WRITES] = usage.cache_write
    members["candidatesTokenCount"] = max(0, usage.output - usage.reasoning)
    if usage.reasoning:
        members["thoughtsTokenCount"] = usage.reasoning
    members["totalTokenCount"] = usage.input + usage.output
    return members


def spelled_usage(raw: Any, usage: Usage | None) -> dict[str, Any]:
    """The answer's member where it says more than `write_usage` does."""
    return {} if usage is None or write_usage(usage) == raw else {"usageMetadata": raw}
