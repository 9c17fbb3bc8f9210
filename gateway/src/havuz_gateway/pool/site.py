"""Health of one site: a base URL, whichever keys call it. `(state, event, now) -> state`, without clock or I/O.

Only what can't be one key's fault speaks against a site: nobody can connect (DNS, TCP, TLS), or the edge in front of
the provider limits callers by their address, which shows when it refuses several keys. It ends by itself, half-open.
"""

from havuz_contract.snapshot.models import Breaker
from havuz_gateway.pool import breaker as breakers
from havuz_gateway.pool.block import Block
from havuz_gateway.pool.ramp import SLOW_START_SECONDS, ramp

EDGE_KEYS = 2  # so many keys must have been refused by the edge
EDGE_WINDOW_SECONDS = 30.0
EDGE_SECONDS = 5.0  # where the edge does not say for how long
EDGE_MAX_SECONDS = 300.0


class Site:
    """What is known of a base URL. `well` is True while there is nothing to ask about: the usual case."""

    __slots__ = ("_back_at", "_breaker", "_edge_refused", "_edge_until", "well")

    def __init__(self) -> None:
        self._back_at: float | None = None  # when it was reached again
        self._breaker: breakers.State = breakers.CLOSED
        self._edge_refused: dict[str, float] = {}  # uid of a key → when the edge refused it
        self._edge_until = 0.0
        self.well = True

    def blocked(self, now: float) -> Block | None:
        """Why nobody may call the site now, or None. `until` is when the last of all reasons ends."""
        if self.well:
            return None
        unreachable = breakers.blocked_until(self._breaker, now)
        edge = self._edge_until if self._edge_until > now else None
        if unreachable is not None:
            return Block("Unreachable", max(unreachable, edge or 0.0), rate_limited=False)
        return None if edge is None else Block("CoolingDown", edge, rate_limited=True)

    def share(self, now: float) -> float:
        """The part of their weight that its keys count for: less than 1 for a while after it was reached again."""
        return 1.0 if self._back_at is None else ramp(now - self._back_at)

    def begin(self, now: float) -> None:
        """A call starts: it is the trial of a site that is half-open."""
        if not self.well:
            self._breaker = breakers.begin(self._breaker, now)

    def reached(self, now: float) -> None:
        """The site answered, whatever it said."""
        if self.well:
            return
        before, self._breaker = self._breaker, breakers.succeed(self._breaker, now)
        if not isinstance(before, breakers.Closed) and self._breaker == breakers.CLOSED:
            self._back_at = now
        elif self._back_at is not None and self._back_at + SLOW_START_SECONDS <= now:
            self._back_at = None
        self._note(now)

    def served(self, now: float) -> None:
        """The provider behind the site answered a request: no edge stands in the way."""
        if not self.well:
            self._edge_refused.clear()
            self.reached(now)

    def abandon(self, now: float) -> None:
        """A call ended without telling anything of the site: a trial is given back."""
        if not self.well:
            self._breaker = breakers.abandon(self._breaker, now)

    def unreachable(self, now: float, limits: Breaker) -> Block | None:
        """Nobody could be reached. Returns the block where this put one."""
        before = self._breaker
        self._breaker = breakers.fail(before, now, limits)
        self.well = False
        if isinstance(self._breaker, breakers.Open) and self._breaker is not before:
            return Block("Unreachable", self._breaker.until, rate_limited=False)
        return None

    def edge_refused(self, key: str, now: float, hint: float | None) -> Block | None:
        """The edge in front of the provider refused a call of `key` (a uid) for its rate; `hint` in seconds.

        Returns the block where this put one: one key alone may have been refused for its own sake.
        """
        recent = {one: at for one, at in self._edge_refused.items() if at > now - EDGE_WINDOW_SECONDS}
        self._edge_refused = {**recent, key: now}
        self.well = False
        until = now + min(hint or EDGE_SECONDS, EDGE_MAX_SECONDS)
        if len(self._edge_refused) < EDGE_KEYS or until <= self._edge_until:
            return None
        self._edge_until = until
        return Block("CoolingDown", until, rate_limited=True)

    def wants_probe(self, now: float) -> bool:
        """Whether a cheap call could bring it back: it opened more than once."""
        again = not isinstance(self._breaker, breakers.Closed) and self._breaker.times > 1
        return again and breakers.blocked_until(self._breaker, now) is not None

    def probed(self, now: float) -> bool:
        """A probe got through: the next request is let in as a trial. Returns whether there was anything to lift."""
        opened = breakers.blocked_until(self._breaker, now) is not None
        if opened:
            self._breaker = breakers.half_open(self._breaker, now)
        return opened

    def _note(self, now: float) -> None:
        nothing = self._back_at is None and not self._edge_refused and self._edge_until <= now
        self.well = nothing and self._breaker == breakers.CLOSED
