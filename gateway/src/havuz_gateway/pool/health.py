"""Health of one upstream key, as a state machine without clock or I/O: `(state, event, now) -> state`.

A key has a ban (`Rejected`, `Exhausted`) and a breaker (`Open`), and for each model a cool-down (`CoolingDown`) and a
memory that the model is missing there (`ModelMissing`). All of them end by themselves. A ban and an open breaker end
half-open: one request goes through and decides. A success disproves only what was no longer in force when it began.
Whatever comes back takes its share of the traffic step by step (`share`).
"""

from dataclasses import replace
from typing import Literal

from havuz_contract.snapshot.models import Breaker
from havuz_gateway.pool import breaker as breakers
from havuz_gateway.pool.block import Block
from havuz_gateway.pool.memory import BACKOFF_FIRST_SECONDS, UNKNOWN_MODEL, Ban, OfModel
from havuz_gateway.pool.ramp import SLOW_START_SECONDS, after_rest, ramp
from havuz_gateway.pool.verdict import Reason, Scope, Verdict

BACKOFF_LAST_SECONDS = 60.0
COOL_DOWN_MAX_SECONDS = 3_600.0  # a provider's hint may be wrong, or meant in milliseconds
EXHAUSTED_SECONDS = 600.0  # without a hint: someone tops up the credit, and nobody tells us
EXHAUSTED_MAX_SECONDS = 86_400.0
REJECTED_SECONDS = 600.0
MODEL_MISSING_SECONDS = 600.0
REST_MAX_SECONDS = 60.0

Limit = Literal["requests", "tokens", "concurrency", "spend"]  # limits of an upstream key's own

_LONGEST = {
    "Rejected": REJECTED_SECONDS,
    "Exhausted": EXHAUSTED_MAX_SECONDS,
    "ModelMissing": MODEL_MISSING_SECONDS,
    "CoolingDown": COOL_DOWN_MAX_SECONDS,
}


class Health:
    """Verdicts in force on a key, and on its models. Every verdict ends by itself."""

    __slots__ = ("_back_at", "_ban", "_breaker", "_limit", "_limited_until", "_models", "well")

    def __init__(self) -> None:
        self._back_at: float | None = None  # when the whole key came back, or joined
        self._ban: Ban | None = None
        self._breaker: breakers.State = breakers.CLOSED
        self._models: dict[str, OfModel] = {}
        self._limit: Limit = "requests"
        self._limited_until = 0.0  # a limit of the key's own is reached: passed over, and nothing is wrong with it
        self.well = True  # nothing above differs from the start: the usual case, answered by one look

    def blocked(self, model: str, now: float) -> Block | None:
        """The strongest block in force for `model` on this key, or None when it may be asked.

        `until` is when the last of all blocks ends.
        """
        if self.well:
            return None
        found: list[tuple[str, float]] = []
        if self._ban is not None and self._ban.until > now:
            found.append((self._ban.state, self._ban.until))
        open_until = breakers.blocked_until(self._breaker, now)
        if open_until is not None:
            found.append(("Open", open_until))
        known = self._models.get(model, UNKNOWN_MODEL)
        if known.missing_until > now:
            found.append(("ModelMissing", known.missing_until))
        if known.cool_until > now:
            found.append(("CoolingDown", known.cool_until))
        if self._limited_until > now:
            found.append(("Limited", self._limited_until))
        if not found:
            return None
        spent = self._limit == "spend" and self._limited_until > now
        rate_limited = found[0][0] in ("CoolingDown", "Limited") and not spent
        return Block(found[0][0], max(until for _, until in found), rate_limited)

    def resting(self, model: str, now: float) -> bool:
        """Whether the provider has nothing left to give for `model`: better not asked while others can be."""
        return not self.well and self._models.get(model, UNKNOWN_MODEL).rest_until > now

    @property
    def failing(self) -> bool:
        """Whether the last request that told anything failed: better not the next try of one that failed elsewhere."""
        return isinstance(self._breaker, breakers.Closed) and bool(self._breaker.failures)

    def share(self, model: str, now: float) -> float:
        """The part of its weight that the key counts for: less than 1 for a while after it has come back."""
        if self.well:
            return 1.0
        share = 1.0 if self._back_at is None else ramp(now - self._back_at)
        known = self._models.get(model, UNKNOWN_MODEL)
        if known.cool_until > known.cooled_at:
            share = min(share, after_rest(now - known.cool_until, known.cool_until - known.cooled_at))
        return share

    def state(self, now: float) -> str:
        """The key as a whole, in one word, for status and metrics: `Usable` or the state of its strongest block."""
        if self._ban is not None and self._ban.until > now:
            return self._ban.state
        if breakers.blocked_until(self._breaker, now) is not None:
            return "Open"
        cooling = any(known.cool_until > now for known in self._models.values())
        if cooling:
            return "CoolingDown"
        return "Limited" if self._limited_until > now else "Usable"

    def wants_probe(self, now: float) -> bool:
        """Whether a cheap call could bring the key back: it is rejected, or its breaker opened more than once."""
        if self._ban is not None and self._ban.state == "Rejected" and self._ban.until > now:
            return True
        again = not isinstance(self._breaker, breakers.Closed) and self._breaker.times > 1
        return again and breakers.blocked_until(self._breaker, now) is not None

    def begin(self, model: str, now: float) -> None:
        """An attempt starts: claims the one request a half-open breaker lets through."""
        if self.well:
            return
        self._breaker = breakers.begin(self._breaker, now)
        if self._ban is not None and self._ban.until <= now:
            self._ban = replace(self._ban, until=now + breakers.TRIAL_SECONDS, trial=True)

    def succeed(self, model: str, now: float) -> None:
        """An attempt succeeded: clears counts and verdicts it disproves."""
        if self.well:
            return
        before, self._breaker = self._breaker, breakers.succeed(self._breaker, now)
        if not isinstance(before, breakers.Closed) and self._breaker == breakers.CLOSED:
            self._back_at = now
        if self._ban is not None and (self._ban.trial or self._ban.until <= now):
            self._ban = None
            self._back_at = now
        self._succeed_at(model, now)
        if self._back_at is not None and self._back_at + SLOW_START_SECONDS <= now:
            self._back_at = None
        self._note()

    def join(self, now: float) -> None:
        """The key is new among others: it takes its share step by step."""
        self._back_at = now
        self.well = False

    def rest(self, model: str, seconds: float, now: float) -> None:
        """The provider says that nothing is left for `model` for so many seconds."""
        known = self._models.get(model, UNKNOWN_MODEL)
        self._models[model] = replace(known, rest_until=now + min(seconds, REST_MAX_SECONDS))
        self.well = False

    def fail(self, verdict: Verdict, model: str, now: float, breaker: Breaker) -> Block | None:
        """An attempt failed: applies the verdict to its scope.

        Returns the block that this verdict put on the key or the model, None where it put none.
        """
        block = None if verdict.scope is Scope.REQUEST else self._apply(verdict, model, now, breaker)
        self.abandon(model, now)  # a trial that this verdict did not settle is given back
        return block

    def abandon(self, model: str, now: float) -> None:
        """An attempt ended without telling anything (the client went away): gives a half-open slot back."""
        if self.well:
            return
        self._breaker = breakers.abandon(self._breaker, now)
        if self._ban is not None and self._ban.trial:
            self._ban = replace(self._ban, until=now, trial=False)
        self._note()

    def limit(self, limit: Limit, until: float) -> None:
        """A limit of the key's own is reached until then; one of concurrency, until a request on the key ends."""
        self._limit, self._limited_until = limit, until
        self.well = False

    def unlimit(self, now: float) -> None:
        """A request on the key has ended: there may be a place again."""
        if self._limit == "concurrency" or self._limited_until <= now:
            self._limited_until = 0.0
            self._note()

    def restore(self, now: float) -> bool:
        """A probe passed: the key is not rejected any more, and an open breaker is half-open.

        Returns whether there was anything to lift.
        """
        rejected = self._ban is not None and self._ban.state == "Rejected"
        if rejected:
            self._ban = None
            self._back_at = now
        opened = breakers.blocked_until(self._breaker, now) is not None
        if opened:
            self._breaker = breakers.half_open(self._breaker, now)
        self._note()
        return rejected or opened

    def impose(self, state: str, model: str | None, until: float, now: float) -> None:
        """Another gateway's finding: a block of the key (`model` None) or of one model, until a monotonic time.

        An open breaker is not taken over: it may tell of the other's own network.
        """
        until = min(until, now + _LONGEST.get(state, 0.0))
        if until <= now:
            return
        known = self._models.get(model or "", UNKNOWN_MODEL)
        match state:
            case "Rejected" | "Exhausted":
                self._put_ban(state, now, until - now)
            case "CoolingDown" if model:
                if until > known.cool_until:
                    self._models[model] = replace(known, cooled_at=now, cool_until=until)
            case "ModelMissing" if model:
                self._models[model] = replace(known, missing_until=max(known.missing_until, until))
            case _:
                return
        self._note()

    def _apply(self, verdict: Verdict, model: str, now: float, breaker: Breaker) -> Block | None:
        match verdict.reason:
            case Reason.CONNECT | Reason.TIMEOUT | Reason.SERVER_ERROR | Reason.BROKEN:
                return self._count(now, breaker)
            case Reason.RATE_LIMITED:
                return self._cool_down(model, now, verdict.retry_after)
            case Reason.MODEL_MISSING:
                return self._learn_missing(model, now)
            case Reason.EXHAUSTED:
                return self._put_ban("Exhausted", now, verdict.retry_after or EXHAUSTED_SECONDS)
            case Reason.REJECTED:
                return self._put_ban("Rejected", now, REJECTED_SECONDS)
            case Reason.CLIENT_ERROR | Reason.CONTEXT_LENGTH:
                return None
            case _:
                raise AssertionError(f"no reason of a verdict: {verdict.reason!r}")

    def _count(self, now: float, limits: Breaker) -> Block | None:
        before = self._breaker
        self._breaker = breakers.fail(before, now, limits)
        self.well = False
        if isinstance(self._breaker, breakers.Open) and self._breaker is not before:
            return Block("Open", self._breaker.until, rate_limited=False)
        return None

    def _cool_down(self, model: str, now: float, hint: float | None) -> Block | None:
        known = self._models.get(model, UNKNOWN_MODEL)
        if hint:
            until, backoff = now + min(hint, COOL_DOWN_MAX_SECONDS), known.backoff
        elif known.cool_until > now:
            return None  # one of several that were under way together: the answer to the same burst
        else:
            until, backoff = now + known.backoff, min(known.backoff * 2, BACKOFF_LAST_SECONDS)
        if until <= known.cool_until:
            return None
        self._models[model] = replace(known, cooled_at=now, cool_until=until, backoff=backoff)
        self.well = False
        return Block("CoolingDown", until, rate_limited=True)

    def _learn_missing(self, model: str, now: float) -> Block:
        until = now + MODEL_MISSING_SECONDS
        self._models[model] = replace(self._models.get(model, UNKNOWN_MODEL), missing_until=until)
        self.well = False
        return Block("ModelMissing", until, rate_limited=False)

    def _put_ban(self, state: str, now: float, seconds: float) -> Block | None:
        until = now + min(seconds, _LONGEST[state])
        ban = self._ban
        if ban is not None and not ban.trial:
            if ban.state == state and ban.until >= until:
                return None
            if ban.state == "Rejected" and state == "Exhausted" and ban.until > now:
                return None  # a refused key is the stronger finding
        self._ban = Ban(state, until)
        self.well = False
        return Block(state, until, rate_limited=False)

    def _succeed_at(self, model: str, now: float) -> None:
        """Forget what is over of `model`; a cool-down is remembered until the key has its whole share again."""
        known = self._models.get(model)
        if known is None or known.cool_until > now or known.missing_until > now or known.rest_until > now:
            return
        if self.share(model, now) < 1.0:
            self._models[model] = replace(known, backoff=BACKOFF_FIRST_SECONDS)
        else:
            del self._models[model]

    def _note(self) -> None:
        nothing = self._ban is None and self._back_at is None and not self._models and not self._limited_until
        self.well = nothing and self._breaker == breakers.CLOSED
