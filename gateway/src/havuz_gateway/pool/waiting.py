"""Who waits for a key's answers to begin: a key that answers nobody is noticed before the first time limit passes.

No clock, no I/O; times are monotonic seconds.
"""

import math
from itertools import islice

SEVERAL = 3  # one that waits for long may have asked for much


class Waiting:
    """Attempts of one kind (a model, streamed or not) on one key, from their beginning to that of their answer."""

    __slots__ = ("_next", "_since", "answered_at")

    def __init__(self) -> None:
        self.answered_at = -math.inf
        self._since: dict[int, float] = {}  # the oldest first
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
        self._since.pop(number, None)

    def end(self, number: int) -> None:
        """It does not wait any more."""
        self._since.pop(number, None)

    def silent(self, now: float, seconds: float) -> bool:
        """Whether several have waited for so long, and nobody was answered since the last of them began."""
        if len(self._since) < SEVERAL:
            return False
        began = next(islice(self._since.values(), SEVERAL - 1, None))
        return began + seconds <= now and self.answered_at <= began
