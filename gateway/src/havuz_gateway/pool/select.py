"""Selection: which candidate is asked next, and what is said when none can be. Pure but for the rng it is given."""

import random
from collections.abc import Callable, Container
from dataclasses import dataclass, field

from havuz_gateway.pool.policies import Asked, choose
from havuz_gateway.pool.pool import Tiers
from havuz_gateway.pool.types import Candidate

_EMPTY_POOL_SECONDS = 10.0  # no key at all: a person has to act first, so there is no point in asking at once

Allowed = Callable[[Candidate], bool]


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Why no candidate could be asked: `retry_after` is seconds to the soonest return, `counts` candidates by state."""

    rate_limited_only: bool
    retry_after: float
    counts: dict[str, int] = field(default_factory=dict)


def pick(
    tiers: Tiers,
    asked: Asked,
    *,
    tried: Container[Candidate],
    now: float,
    rng: random.Random,
    allowed: Allowed | None = None,
    again: bool = False,
) -> Candidate | None:
    """A usable candidate of the lowest tier that has one, or None. `allowed` narrows the choice further.

    With `again`, after a failure, a key of that tier whose own last request did not fail goes first, so that a request
    does not wait for one bad key after the other until their breakers open. Those whose provider says that nothing is
    left are passed over, but asked all the same where nobody else is.
    """
    last_resort: list[Candidate] = []
    for tier in tiers:
        usable: list[Candidate] = []
        resting: list[Candidate] = []
        for candidate in tier:
            if candidate in tried or (allowed is not None and not allowed(candidate)):
                continue
            member, model = candidate.member, candidate.target.model
            if member.health.well and member.site.well:
                usable.append(candidate)
            elif member.blocked(model, now) is None:
                (resting if member.health.resting(model, now) else usable).append(candidate)
        if usable:
            if again:
                usable = [one for one in usable if not one.member.health.failing] or usable
            return choose(usable, asked, now=now, rng=rng)
        last_resort = last_resort or resting
    return choose(last_resort, asked, now=now, rng=rng) if last_resort else None


def unavailable(tiers: Tiers, *, now: float) -> Unavailable:
    """The state of a pool in which nothing can be asked."""
    counts: dict[str, int] = {}
    soonest: float | None = None
    candidates = [candidate for tier in tiers for candidate in tier]
    rate_limited_only = bool(candidates)
    for candidate in candidates:
        block = candidate.member.blocked(candidate.target.model, now)
        if block is None:
            soonest = now
            continue
        counts[block.state] = counts.get(block.state, 0) + 1
        rate_limited_only = rate_limited_only and block.rate_limited
        soonest = block.until if soonest is None else min(soonest, block.until)
    wait = _EMPTY_POOL_SECONDS if soonest is None else soonest - now
    return Unavailable(rate_limited_only, wait, counts)
