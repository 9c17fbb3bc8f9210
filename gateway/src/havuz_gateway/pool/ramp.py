"""Slow start: a key that comes back takes its share of the traffic step by step, so that it is not flooded. Pure."""

SLOW_START_SECONDS = 10.0
FIRST_SHARE = 0.1


def ramp(since: float, seconds: float = SLOW_START_SECONDS) -> float:
    """The part of its weight that a key counts for, `since` seconds after it came back; whole after `seconds`."""
    if since >= seconds:
        return 1.0
    return FIRST_SHARE + (1.0 - FIRST_SHARE) * max(0.0, since) / seconds


def after_rest(since: float, away: float) -> float:
    """The same for a key that was away for so many seconds: a short rest is followed by a short ramp."""
    return ramp(since, min(SLOW_START_SECONDS, away))
