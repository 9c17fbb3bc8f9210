"""Bars by day, laid out on the server: numbers in, places out. Pure.

The bars fill a box of 1000 × 100 that the page stretches to the room it has; every label is HTML beside it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 1000, 100
_GAP_SHARE = 0.28
_LEAST_HEIGHT = 1.0  # what is not nothing can be seen
_NICE = (1.0, 2.0, 2.5, 4.0, 5.0)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; `label` says its day and value."""

    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """`top` is the value at the upper edge; there are lines at it and at its half."""

    bars: tuple[Bar, ...]
    top: float


def bars(values: Sequence[float], labels: Sequence[str], *, countable: bool = False) -> Chart:
    """One bar for each value, with room between them. What is `countable` has no half on its scale."""
    top = nice(max(values, default=0), countable=countable)
    slot = WIDTH / max(len(values), 1)
    width = slot * (1 - _GAP_SHARE)
    made = []
    for place, (value, label) in enumerate(zip(values, labels, strict=True)):
        height = max(HEIGHT * value / top, _LEAST_HEIGHT) if value > 0 else 0.0
        x = place * slot + (slot - width) / 2
        made.append(Bar(round(x, 2), round(HEIGHT - height, 2), round(width, 2), round(height, 2), label))
    return Chart(tuple(made), top)


def nice(value: float, *, countable: bool = False) -> float:
    """The least round number that is no less: 1, 2, 2.5, 4 or 5 with noughts, and 1 for nothing.

    Of what is `countable` it is one whose half is whole, too.
    """
    if value <= 0:
        return 2.0 if countable else 1.0
    power = 10.0 ** math.floor(math.log10(value))
    rounds = (step * scale for scale in (power, 10 * power) for step in _NICE)
    return next(top for top in rounds if top >= value and not (countable and top % 2))
