"""What a key's health remembers of the whole key, and of each model on it. Values only; times are monotonic seconds."""

from dataclasses import dataclass

BACKOFF_FIRST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Ban:
    """The whole key is out until `until`; then one request tries it, which sets `until` anew and `trial`."""

    state: str
    until: float
    trial: bool = False


@dataclass(frozen=True, slots=True)
class OfModel:
    """What is known of one model on this key. `backoff` is the next cool-down that has no hint."""

    cooled_at: float = 0.0
    cool_until: float = 0.0
    rest_until: float = 0.0
    missing_until: float = 0.0
    backoff: float = BACKOFF_FIRST_SECONDS


UNKNOWN_MODEL = OfModel()
