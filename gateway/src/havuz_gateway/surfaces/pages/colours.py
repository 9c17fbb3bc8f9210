"""Whether a colour can be read on another, by https://www.w3.org/TR/WCAG22/#contrast-minimum. Pure."""

import re
from collections.abc import Iterator

READABLE = 4.5  # the least contrast of text
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_STEPS = 100


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black and white). Colours are `#rrggbb`. Raises `ValueError` for anything else."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def readable(colour: str, on: str) -> str:
    """The colour as near to `colour` as can be read on `on`."""
    target = "#ffffff" if _luminance(on) < 0.2 else "#000000"
    return next(mixed for mixed in _towards(colour, target) if contrast(mixed, on) >= READABLE)


def _towards(colour: str, target: str) -> Iterator[str]:
    begin, end = _channels(colour), _channels(target)
    for step in range(_STEPS + 1):
        share = step / _STEPS
        mixed = [round(a + (b - a) * share) for a, b in zip(begin, end, strict=True)]
        yield "#" + "".join(f"{channel:02x}" for channel in mixed)


def _channels(colour: str) -> list[int]:
    if not _HEX.fullmatch(colour):
        raise ValueError(f"{colour[:20]!r} is no colour: write it as '#0b6e4f'")
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


def _luminance(colour: str) -> float:
    shares = [channel / 255 for channel in _channels(colour)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return sum(weight * share for weight, share in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
