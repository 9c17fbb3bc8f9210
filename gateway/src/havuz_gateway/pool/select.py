"""Selection: which candidate is asked next, and what is said when none can be. Pure but for the rng it is given."""

import random
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field

from havuz_contract.snapshot.models import Balance
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
    *,
    tried: Container[Candidate],
    balance: Balance,
    now: float,
    rng: random.Random,
    allowed: Allowed | None = None,
) -> Candidate | None:
    """A usable candidate of the lowest tier that has one, or None. `allowed` narrows the choice further."""
    for tier in tiers:
        usable = [
            candidate
            for candidate in tier
            if candidate.member.health.blocked(candidate.target.model, now) is None
            and candidate not in tried
            and (allowed is None or allowed(candidate))
        ]
        if usable:
            return usable[0] if len(usable) == 1 else _choose(usable, balance, rng)
    return None


def unavailable(tiers: Tiers, *, now: float) -> Unavailable:
    """The state of a pool in which nothing can be asked."""
    counts: dict[str, int] = {}
    soonest: float | None = None
    candidates = [candidate for tier in tiers for candidate in tier]
    rate_limited_only = bool(candidates)
    for candidate in candidates:
        block = candidate.member.health.blocked(candidate.target.model, now)
        if block is None:
            soonest = now
            continue
        counts[block.state] = counts.get(block.state, 0) + 1
        rate_limited_only = rate_limited_only and block.rate_limited
        soonest = block.until if soonest is None else min(soonest, block.until)
    wait = _EMPTY_POOL_SECONDS if soonest is None else soonest - now
    return Unavailable(rate_limited_only, wait, counts)


def _choose(usable: Sequence[Candidate], balance: Balance, rng: random.Random) -> Candidate:
    match balance:
        case "Weighted":
            return usable[_draw(usable, rng, None)]
        case "LeastBusy":
            return _least_busy(usable, rng)
        case _:
            raise AssertionError(f"no balance policy: {balance!r}")


def _least_busy(usable: Sequence[Candidate], rng: random.Random) -> Candidate:
    """The power of two choices: of two different weighted draws, the one with less to do for its weight.

    On a tie the first draw stands, so that an idle pool shares by weight.
    """
    first_index = _draw(usable, rng, None)
    first, second = usable[first_index], usable[_draw(usable, rng, first_index)]
    busier = first.member.outstanding * second.weight > second.member.outstanding * first.weight
    return second if busier else first


def _draw(usable: Sequence[Candidate], rng: random.Random, without: int | None) -> int:
    """The index of one weighted draw, `without` left out."""
    total = 0.0
    for candidate in usable:
        total += candidate.weight
    if without is not None:
        total -= usable[without].weight
    point = rng.random() * total
    last = 0
    for index, candidate in enumerate(usable):
        if index == without:
            continue
        last = index
        point -= candidate.weight
        if point < 0:
            break
    return last
