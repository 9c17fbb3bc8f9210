"""How many upstreams one request may still ask.

What took time, or may have cost money, uses up an attempt. A quick refusal that tells something of a key does neither:
without counting it a request finds the keys that are well past those that are not, and what it found out spares the
next requests the way. Refusals have a bound of their own all the same.
"""

from havuz_gateway.pool.site import Site
from havuz_gateway.pool.verdict import Reason, Scope, Verdict

QUICK_SECONDS = 1.0
REFUSALS_PER_ATTEMPT = 3
MOST_CALLS = 16
_REFUSALS = frozenset({Reason.RATE_LIMITED, Reason.EXHAUSTED, Reason.REJECTED, Reason.MODEL_MISSING})


class Tries:
    """Counts the calls of one request; `attempts` are those that may end in more than a quick refusal."""

    __slots__ = ("_attempts", "_calls", "_unreachable")

    def __init__(self, attempts: int) -> None:
        self._attempts = attempts
        # one attempt means that nothing is to be tried again
        self._calls = attempts if attempts == 1 else max(attempts, min(REFUSALS_PER_ATTEMPT * attempts, MOST_CALLS))
        self._unreachable: set[Site] = set()

    @property
    def left(self) -> bool:
        """Whether another call may be made."""
        return self._attempts > 0 and self._calls > 0

    @property
    def last(self) -> bool:
        """Whether the next call is the last one, however it ends."""
        return self._calls <= 1 or self._attempts <= 1

    def count(self, verdict: Verdict, seconds: float, site: Site) -> None:
        """A call to a key at `site` has failed after so many seconds."""
        self._calls -= 1
        if seconds > QUICK_SECONDS or not self._is_refusal(verdict, site):
            self._attempts -= 1

    def _is_refusal(self, verdict: Verdict, site: Site) -> bool:
        if verdict.scope is Scope.REQUEST:  # nobody remembers it, so the next request would ask all of them again
            return False
        if verdict.reason is not Reason.CONNECT:
            return verdict.reason in _REFUSALS
        known = site in self._unreachable  # then it tells nothing new
        self._unreachable.add(site)
        return verdict.scope is Scope.UPSTREAM and not known
