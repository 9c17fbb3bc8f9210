"""Selection: which candidate is asked next, and what is said when none can be. Pure but for the rng it is given."""

import random
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field

from havuz_gateway.pool.policies import Asked, choose
from havuz_gateway.pool.pool import Tiers
from havuz_gateway.pool.types import Candidate

_EMPTY_POOL_SECONDS = 10.0  # no key at all: a person has to act first, so there is no point in asking at once

_UNUSUAL = 3.0  # times its average wait: then a key looks silent

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
    again_since: float | None = None,
) -> Candidate | None:
    """A usable candidate of the lowest tier that has one, or None. `allowed` narrows the choice further.

    With `again_since`, after a failure, those go first that have answered anybody since then, when the request began,
    else those whose own last request did not fail: so that it does not wait for one bad key after the other until their
    breakers open. Those whose provider says that nothing is left are passed over, and so are those that let others wait
    in vain, but they are asked all the same where nobody else is.
    """
    last_resort: list[Candidate] = []
    for tier in tiers:
        usable = _all_well(tier) if not tried and allowed is None else []
        resting: list[Candidate] = []
        for candidate in () if usable else tier:
            if candidate in tried or (allowed is not None and not allowed(candidate)):
                continue
            member, model = candidate.member, candidate.target.model
            if member.health.well and member.site.well:
                usable.append(candidate)
            elif member.blocked(model, now) is None:
                (resting if member.health.resting(model, now) else usable).append(candidate)
        if usable:
            if again_since is not None:
                usable = _proven(usable, asked, again_since)
            chosen = choose(usable, asked, now=now, rng=rng)
            if _in_vain(chosen, asked, now):
                others = [one for one in usable if not _in_vain(one, asked, now)]
                return choose(others, asked, now=now, rng=rng) if others else chosen
            return chosen
        last_resort = last_resort or resting
    return choose(last_resort, asked, now=now, rng=rng) if last_resort else None


def _all_well(tier: Sequence[Candidate]) -> list[Candidate]:
    """All of them, where there is nothing to ask about any: the usual case of a large pool. Else none."""
    well = [one for one in tier if one.member.health.well and one.member.site.well]
    return well if len(well) == len(tier) else []


def _proven(usable: list[Candidate], asked: Asked, since: float) -> list[Candidate]:
    well = [one for one in usable if not one.member.health.failing]
    answering = [one for one in well if has_answered(one, asked, since)]
    return answering or well or usable


def has_answered(candidate: Candidate, asked: Asked, since: float) -> bool:
    """Whether it has begun an answer of this kind since then."""
    waiting = candidate.member.waits.get((candidate.target.model, asked.stream))
    return waiting is not None and waiting.answered_at >= since


def _in_vain(candidate: Candidate, asked: Asked, now: float) -> bool:
    """Whether others wait there for longer than usual and nobody is answered. Where the last one failed, one is enough:
    let that one find out.
    """
    member, kind = candidate.member, (candidate.target.model, asked.stream)
    waiting = member.waits.get(kind)
    if not waiting:
        return False
    if member.health.failing:
        return True
    usual = member.latencies.get(kind)
    usual_seconds = 0.0 if usual is None else _UNUSUAL * usual.seconds
    return waiting.silent(now, max(asked.slow_after, usual_seconds))


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
