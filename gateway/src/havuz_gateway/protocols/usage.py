"""What was used, normalised once at the codec: input includes cache reads and writes, output includes reasoning."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
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
