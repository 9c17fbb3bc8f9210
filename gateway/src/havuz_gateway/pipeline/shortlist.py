"""Who is asked next for one request, and what its failed attempts have taught. Pure: time and chance are passed in."""

import random

from havuz_gateway.pipeline.types import Call, Plan
from havuz_gateway.pool.policies import Asked
from havuz_gateway.pool.select import has_answered, pick
from havuz_gateway.pool.site import Site
from havuz_gateway.pool.types import Candidate
from havuz_gateway.pool.verdict import Next, Reason, Verdict

_SLOW = 10  # the part of `firstToken` after which those who wait on a key look as if they waited in vain


class Shortlist:
    """The candidates of one request. No candidate is named twice, unless it is readmitted.

    Some are passed over while there are others: where nothing answers at all, where the model is missing, where the
    prompt clearly does not fit. A prompt that was found too long goes to larger context windows only.
    """

    def __init__(self, call: Call, plan: Plan) -> None:
        self._plan = plan
        self._asked = Asked(
            plan.route.balance, call.stream, plan.conversation, plan.costs, plan.route.failover.first_token / _SLOW
        )
        self._began: float | None = None
        self._out: set[Candidate] = set()
        self._failed = False
        self._unreachable: set[Site] = set()
        self._missing_on: set[int] = set()  # targets (by identity) that do not have the model
        self._too_small: set[int] = set(plan.too_small)
        self._window_over = 0  # targets whose context window is not larger are not asked

    def next(self, now: float, rng: random.Random) -> Candidate | None:
        """The candidate to ask now (monotonic seconds), or None when there is none left."""
        if self._began is None:
            self._began = now
        while True:
            narrowed = self._unreachable or self._missing_on or self._too_small or self._window_over
            allowed = self._allowed if narrowed else None
            chosen = pick(self._plan.tiers, self._asked, tried=self._out, now=now, rng=rng, allowed=allowed,
                          again_since=self._began if self._failed else None)  # fmt: skip
            if chosen is not None:
                return chosen
            passed_over = next((one for one in (self._unreachable, self._missing_on, self._too_small) if one), None)
            if passed_over is None:
                return None
            passed_over.clear()

    def cross_off(self, candidate: Candidate) -> None:
        """It is not to be named again."""
        self._out.add(candidate)

    def readmit(self, candidate: Candidate) -> None:
        """It may be named again, since it will be asked something else."""
        self._out.discard(candidate)

    def learn(self, candidate: Candidate, verdict: Verdict) -> None:
        """An attempt at `candidate` has failed."""
        self._failed = True
        if verdict.reason is Reason.CONNECT:
            self._unreachable.add(candidate.member.site)
        if verdict.next is Next.NEXT_TARGET:
            self._missing_on.add(id(candidate.target))
        elif verdict.next is Next.LARGER_WINDOW:
            self._window_over = max(self._window_over, candidate.target.context_window or 1)

    def answered_elsewhere(self, since: float, now: float) -> bool:
        """Whether one that can still be named has begun to answer others since then."""
        return any(
            has_answered(one, self._asked, since)
            and one not in self._out
            and self._allowed(one)
            and one.member.blocked(one.target.model, now) is None
            for tier in self._plan.tiers
            for one in tier
        )

    @property
    def larger_is_left(self) -> bool:
        """Whether a prompt that was found too long has somewhere to go once a key is back."""
        return any(self._larger(one) and one not in self._out for tier in self._plan.tiers for one in tier)

    def _allowed(self, candidate: Candidate) -> bool:
        target = id(candidate.target)
        if target in self._missing_on or target in self._too_small or candidate.member.site in self._unreachable:
            return False
        return not self._window_over or self._larger(candidate)

    def _larger(self, candidate: Candidate) -> bool:
        window = candidate.target.context_window
        return window is not None and window > self._window_over
