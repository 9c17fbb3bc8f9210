"""The arithmetic of a bench: quantiles, medians of rounds, ratios taken within each round. No clock, no I/O."""

import statistics
from collections.abc import Sequence


def quantile(values: Sequence[float], share: float) -> float:
    """A value that `share` of them do not exceed; 0 without any."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def median(values: Sequence[float]) -> float:
    """The median; NaN where nothing was measured."""
    return statistics.median(values) if values else float("nan")


def ratio(of: Sequence[float], to: Sequence[float]) -> float:
    """How many times `to` one is, round by round, and the median of that; NaN without a common round.

    A machine that slows down slows both of a round down, so a ratio scatters less than its two sides.
    """
    return median([one / other for one, other in zip(of, to, strict=False) if other])


def difference(of: Sequence[float], to: Sequence[float]) -> float:
    """By how much one is more than `to`, round by round, and the median of that; NaN without a common round."""
    return median([one - other for one, other in zip(of, to, strict=False)])


class Schedule:
    """When the requests of an open loop are due: `rate` a second, whether or not answers have come.

    What a late timer missed is due at its next look, so no request is left out when a machine is slow.
    """

    def __init__(self, rate: float, *, begun: float, seconds: float) -> None:
        self._rate = rate
        self._begun = begun
        self._all = int(rate * seconds)
        self._taken = 0

    @property
    def over(self) -> bool:
        """Whether every request was taken."""
        return self._taken >= self._all

    def take(self, now: float) -> int:
        """How many have become due since the last look."""
        due = min(self._all, int((now - self._begun) * self._rate + 1e-6) + 1) if now >= self._begun else 0
        taken, self._taken = due - self._taken, max(due, self._taken)
        return max(taken, 0)

    def next(self) -> float:
        """The moment at which the next one is due."""
        return self._begun + self._taken / self._rate
