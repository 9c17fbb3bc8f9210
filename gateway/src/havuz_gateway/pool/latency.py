"""How long a key takes to begin its answers: a moving average that fades, so that a slow key is tried again. Pure."""

from havuz_gateway.values import frozen

NEWEST_SHARE = 0.3  # of the newest measurement in the average
HALF_LIFE_SECONDS = 10.0  # without a measurement an average counts for half of itself after this time


@frozen
class Latency:
    """The average of the waits for a first token in seconds, as of `at` (monotonic seconds)."""

    seconds: float
    at: float

    def expected(self, now: float) -> float:
        """What to expect now. It fades with time: nobody knows whether a key that was slow still is."""
        return float(self.seconds * 0.5 ** (max(0.0, now - self.at) / HALF_LIFE_SECONDS))


def measured(before: Latency | None, seconds: float, now: float) -> Latency:
    """The average with one measurement more."""
    if before is None:
        return Latency(seconds, now)
    return Latency(before.seconds + NEWEST_SHARE * (seconds - before.seconds), now)
