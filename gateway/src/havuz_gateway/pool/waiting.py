"""Who waits for a key's answers to begin: a key that answers nobody is noticed before the first time limit passes.

No clock, no I/O; times are monotonic seconds.
"""

import math
from itertools import islice

SEVERAL = 3  # one that waits for long may have asked for much


class Waiting:
    """Attempts of one kind (a model, streamed or not) on one key, from their beginning to that of their answer."""

    __slots__ = ("_in_vain", "_next", "_since", "answered_at")

    def __init__(self) -> None:
        self.answered_at = -math.inf
        self._since: dict[int, float] = {}  # the oldest first
        self._in_vain: tuple[float, ...] = ()  # since when those waited who gave up, and nobody was answered after
        self._next = 0

    def __len__(self) -> int:
        return len(self._since)

    def begin(self, now: float) -> int:
        """One attempt more waits; returns its number."""
        self._next += 1
        self._since[self._next] = now
        return self._next

    def answered(self, number: int, now: float) -> None:
        """Its answer has begun."""
        self.answered_at = now
        self._in_vain = ()
        self._since.pop(number, None)

    def gave_up(self, number: int) -> None:
        """It has waited in vain."""
        began = self._since.pop(number, None)
        if began is not None:
            self._in_vain = (*self._in_vain, began)[-SEVERAL:]

    def end(self, number: int) -> None:
        """It does not wait any more."""
        self._since.pop(number, None)

    def silent(self, now: float, seconds: float) -> bool:
        """Whether several have waited for so long, or gave up, and nobody was answered since the last of them began."""
        more = SEVERAL - len(self._in_vain)
        if len(self._since) < more:
            return False
        began = next(islice(self._since.values(), more - 1, None)) if more > 0 else self._in_vain[-1]
        return began + seconds <= now and self.answered_at <= began
