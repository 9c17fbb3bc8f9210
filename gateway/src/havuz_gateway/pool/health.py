"""Health of one upstream key, as a state machine without clock or I/O: `(state, event, now) -> state`."""

from dataclasses import dataclass

from havuz_contract.snapshot.models import Breaker
from havuz_gateway.pool.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Block:
    """Why a key can't be asked now, and until when (monotonic seconds)."""

    state: str  # CoolingDown | Exhausted | Rejected | Open | ModelMissing
    until: float
    rate_limited: bool  # True: only a rate limit stands in the way


class Health:
    """Verdicts in force on a key, and on its models. Every verdict ends by itself."""

    def blocked(self, model: str, now: float) -> Block | None:
        """The strongest block in force for `model` on this key, or None when it may be asked."""

    def begin(self, model: str, now: float) -> None:
        """An attempt starts: claims the one request a half-open breaker lets through."""

    def succeed(self, model: str, now: float) -> None:
        """An attempt succeeded: clears counts and verdicts it disproves."""

    def fail(self, verdict: Verdict, model: str, now: float, breaker: Breaker) -> None:
        """An attempt failed: applies the verdict to its scope."""

    def abandon(self, model: str, now: float) -> None:
        """An attempt ended without telling anything (the client went away): gives a half-open slot back."""
