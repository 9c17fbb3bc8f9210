"""Anthropic's `usage`, where `input_tokens` excludes what was read from or written to the cache.

What a compaction took is billed, though only its entry in `iterations` tells it.
https://platform.claude.com/docs/en/build-with-claude/compaction#understanding-usage
https://platform.claude.com/docs/en/build-with-claude/prompt-caching#tracking-cache-performance
"""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.usage import TokenReader, Usage

_TIERS = {"standard": "default", "priority": "priority", "batch": "batch"}
_TIER_WORDS = {tier: word for word, tier in _TIERS.items()}


def read_usage(usage: Any) -> Usage | None:
    """The usage a provider reported, or None where it reported none. Impossible numbers are clamped and flagged."""
    if not isinstance(usage, dict):
        return None
    read = TokenReader()
    runs = [usage, *_compactions(usage)]
    cached = sum(read.tokens(run, "cache_read_input_tokens") for run in runs)
    written = sum(read.tokens(run, "cache_creation_input_tokens") for run in runs)
    return Usage(
        input=sum(read.tokens(run, "input_tokens") for run in runs) + cached + written,
        output=sum(read.tokens(run, "output_tokens") for run in runs),
        cache_read=cached,
        cache_write=written,
        reasoning=read.tokens(usage.get("output_tokens_details"), "thinking_tokens"),
        clamped=read.clamped,
    )


def _compactions(usage: Mapping[str, Any]) -> list[Any]:
    """The entries of what the totals leave out."""
    iterations = usage.get("iterations")
    entries = iterations if isinstance(iterations, list) else []
    return [entry for entry in entries if isinstance(entry, Mapping) and entry.get("type") == "compaction"]


def read_tier(usage: Any) -> str | None:
    """The service tier that served, in the words of the neutral form."""
    word = usage.get("service_tier") if isinstance(usage, dict) else None
    return _TIERS.get(word) if isinstance(word, str) else None


def write_usage(usage: Usage, tier: str | None = None) -> dict[str, Any]:
    """Anthropic's `usage`."""
    members: dict[str, Any] = {
        "input_tokens": max(0, usage.input - usage.cache_read - usage.cache_write),
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": usage.output,
    }
    if usage.reasoning:
        members["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    if tier is not None:
        members["service_tier"] = _TIER_WORDS.get(tier, "standard")
    return members


def write_first_usage(usage: Usage | None) -> dict[str, Any]:
    """The `usage` of a stream's start: what is known of the prompt; the end says it all again."""
    first = write_usage(usage or Usage(0, 0))
    return {name: tokens for name, tokens in first.items() if name in ("input_tokens", "output_tokens") or tokens}


def merge_usage(first: Mapping[str, Any], then: Mapping[str, Any]) -> dict[str, Any]:
    """Two reports of one stream: the later one is cumulative, and counts where it says something."""
    return {**first, **{name: value for name, value in then.items() if value is not None}}
