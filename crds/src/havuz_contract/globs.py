"""Patterns of model ids: `*` stands for any text, every other character for itself. Linear in the length of both."""

from collections.abc import Iterable


def matches_any(patterns: Iterable[str], text: str) -> bool:
    """Whether one of `patterns` covers the whole of `text`."""
    return any(_fits(pattern, text) for pattern in patterns)


def _fits(pattern: str, text: str) -> bool:
    head, *rest = pattern.split("*")
    if not rest:
        return pattern == text
    if not text.startswith(head):
        return False
    position = len(head)
    *middle, tail = rest
    for part in middle:
        found = text.find(part, position)
        if found < 0:
            return False
        position = found + len(part)
    return len(text) - position >= len(tail) and text.endswith(tail)
