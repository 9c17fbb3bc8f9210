"""Patterns of model ids: `*` stands for any text, every other character for itself."""

import re
from collections.abc import Iterable
from functools import lru_cache

_CACHED_PATTERNS = 4096


def matches_any(patterns: Iterable[str], text: str) -> bool:
    """Whether one of `patterns` covers the whole of `text`."""
    return any(pattern in ("*", text) or _compiled(pattern).fullmatch(text) is not None for pattern in patterns)


@lru_cache(maxsize=_CACHED_PATTERNS)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(piece) for piece in pattern.split("*")), re.DOTALL)
