"""Token usage, normalised once at the codec: input includes cache reads and writes, output includes reasoning."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer. `clamped` says that the provider reported a number that cannot be true."""

    input: int
    output: int
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    clamped: bool = False
