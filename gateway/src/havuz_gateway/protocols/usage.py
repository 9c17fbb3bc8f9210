"""What was used, normalised once at the codec: input includes cache reads and writes, output includes reasoning."""

from typing import Any

from havuz_gateway.values import frozen

_ABSURD_TOKENS = 1_000_000_000


@frozen
class Usage:
    """Tokens of one answer, and what is counted by the piece: pictures, characters spoken, milliseconds of sound.

    `clamped` says that the provider reported a number that cannot be true.
    """

    input: int
    output: int
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    clamped: bool = False
    images: int = 0
    characters: int = 0
    audio_ms: int = 0


def says_nothing(usage: Usage | None) -> bool:
    """Whether no tokens were reported: no usage at all, or zeros, which are true of no answer."""
    return usage is None or not (usage.input or usage.output)


class TokenReader:
    """Reads the numbers of a provider's usage. `clamped` says that one was impossible, which counts as none."""

    __slots__ = ("clamped",)

    def __init__(self) -> None:
        self.clamped = False

    def tokens(self, holder: Any, name: str) -> int:
        """The member of `holder`; 0 where there is none."""
        value = holder.get(name) if isinstance(holder, dict) else None
        if type(value) is int and 0 <= value <= _ABSURD_TOKENS:
            return value
        if value is None:
            return 0
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _ABSURD_TOKENS:
            self.clamped = True
            return 0
        return int(value)
