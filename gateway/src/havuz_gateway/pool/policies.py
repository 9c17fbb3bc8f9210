"""How one key is chosen among equals: the policies of `spec.balance`. Pure but for the rng that is passed in.

Every policy draws by weight, and a key that has just come back counts for a part of its weight. Load is what this
process has under way.
"""

import hashlib
import math
import random
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import field
from itertools import accumulate

from havuz_contract.snapshot.models import Balance
from havuz_gateway.pool.types import Candidate
from havuz_gateway.values import frozen

# Consistent hashing with bounded loads (https://arxiv.org/abs/1608.01350): a key with more than this times its share of
# what is under way is busy, and its conversations spill over; one with next to nothing to do never is.
BUSY_FACTOR = 1.25
NEVER_BUSY = 4

_MASK = (1 << 64) - 1


@frozen
class Asked:
    """What the policies look at of a request.

    `conversation` is the same number for the requests of one conversation, None for what is no part of one, such as
    embeddings (`CacheAffinity`); `costs` are what the
    request will probably cost at each target, by the target's identity (`Cheapest`). `slow_after` are the seconds after
    which those who wait for their answers to begin look as if they waited in vain, where nothing is known of the key.
    """

    balance: Balance
    stream: bool = False
    conversation: int | None = None
    costs: Mapping[int, int] = field(default_factory=dict)
    slow_after: float = math.inf


def seed_of(*words: str) -> int:
    """A number for some words, the same in every process."""
    return int.from_bytes(hashlib.blake2b("\0".join(words).encode(), digest_size=8).digest())


def choose(usable: Sequence[Candidate], asked: Asked, *, now: float, rng: random.Random) -> Candidate:
    """One of `usable`, which is not empty. `now` is monotonic seconds."""
    if asked.balance == "Cheapest":
        usable = _cheapest(usable, asked.costs)
    if len(usable) == 1:
        return usable[0]
    weights = [
        one.weight if (member := one.member).health.well and member.site.well else _weight(one, now) for one in usable
    ]
    match asked.balance:
        case "Weighted":
            return usable[_draw(list(accumulate(weights)), rng, None)]
        case "LowestLatency":
            return _quicker_of_two(usable, weights, rng, now=now, stream=asked.stream)
        case "CacheAffinity" if asked.conversation is not None:
            return _at_home(usable, weights, asked.conversation)
        case "LeastBusy" | "Cheapest" | "CacheAffinity":
            return _less_busy_of_two(usable, weights, rng)
        case _:
            raise AssertionError(f"no balance policy: {asked.balance!r}")


def _weight(candidate: Candidate, now: float) -> float:
    return candidate.weight * candidate.member.share(candidate.target.model, now)


def _less_busy_of_two(usable: Sequence[Candidate], weights: Sequence[float], rng: random.Random) -> Candidate:
    """The power of two choices: of two different weighted draws, the one with less to do for its weight.

    On a tie the first draw stands, so that an idle pool shares by weight.
    """
    sums = list(accumulate(weights))
    first = _draw(sums, rng, None)
    second = _draw(sums, rng, first)
    busier = usable[first].member.outstanding * weights[second] > usable[second].member.outstanding * weights[first]
    return usable[second if busier else first]


def _quicker_of_two(
    usable: Sequence[Candidate], weights: Sequence[float], rng: random.Random, *, now: float, stream: bool
) -> Candidate:
    """Of two different weighted draws, the one whose answer will begin sooner: its latency, once for this request and
    once for each that it has under way, by weight.

    Where one of them has not been measured both count as equally quick, so that the load alone decides: it is tried,
    and not flooded. A key that was slow is tried again as its average fades.
    """
    sums = list(accumulate(weights))
    first = _draw(sums, rng, None)
    second = _draw(sums, rng, first)
    waits = [_expected(usable[index], now, stream=stream) for index in (first, second)]
    if None in waits:
        waits = [1.0, 1.0]
    usual = (weights[first] + weights[second]) / 2
    costs = [
        (wait or 0.0) * (1 + usable[index].member.outstanding * usual / weights[index])
        for wait, index in zip(waits, (first, second), strict=True)
    ]
    return usable[second if costs[1] < costs[0] else first]


def _expected(candidate: Candidate, now: float, *, stream: bool) -> float | None:
    latency = candidate.member.latencies.get((candidate.target.model, stream))
    return None if latency is None else latency.expected(now)


def _cheapest(usable: Sequence[Candidate], costs: Mapping[int, int]) -> Sequence[Candidate]:
    """Those at the targets that cost least; a target without a known cost is the dearest."""
    known = [costs.get(id(candidate.target)) for candidate in usable]
    least = min((cost for cost in known if cost is not None), default=None)
    return [candidate for candidate, cost in zip(usable, known, strict=True) if cost == least]


def _at_home(usable: Sequence[Candidate], weights: Sequence[float], conversation: int) -> Candidate:
    """The key that the conversation is at home with, or where that is busy, the next one in the conversation's own
    order. Weighted rendezvous hashing: when a key leaves only its conversations move.
    """
    scores = [_score(candidate.seed ^ conversation, weight) for candidate, weight in zip(usable, weights, strict=True)]
    total = sum(weights)
    under_way = 1 + sum(candidate.member.outstanding for candidate in usable)

    def busy(index: int) -> bool:
        bound = max(NEVER_BUSY, math.ceil(BUSY_FACTOR * under_way * weights[index] / total))
        return usable[index].member.outstanding >= bound

    home = max(range(len(usable)), key=scores.__getitem__)
    if busy(home):
        order = sorted(range(len(usable)), key=scores.__getitem__, reverse=True)
        home = next((index for index in order if not busy(index)), home)
    return usable[home]


def _score(number: int, weight: float) -> float:
    """A weighted lot: the chance to have the highest one is in proportion to the weight."""
    return -weight / math.log(((_mixed(number) >> 12) + 0.5) / (1 << 52))


def _mixed(number: int) -> int:
    """The finalizer of SplitMix64 (https://prng.di.unimi.it/splitmix64.c): every bit depends on every bit."""
    number = (number + 0x9E3779B97F4A7C15) & _MASK
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _MASK
    return number ^ (number >> 31)


def _draw(sums: Sequence[float], rng: random.Random, without: int | None) -> int:
    """The index of one weighted draw, `without` left out; `sums` are the weights, each with all before it."""
    if without is None:
        return min(bisect_right(sums, rng.random() * sums[-1]), len(sums) - 1)
    begin = sums[without - 1] if without else 0.0
    left_out = sums[without] - begin
    point = rng.random() * (sums[-1] - left_out)
    if point >= begin:
        point += left_out
    found = min(bisect_right(sums, point), len(sums) - 1)
    return found if found != without else found - 1 if found else 1  # only where a sum was rounded
