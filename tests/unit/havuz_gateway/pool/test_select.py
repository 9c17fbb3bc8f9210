"""Which candidate is asked next, and what is said when none can be."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.builders import make_target, make_upstream
from havuz_contract.snapshot.models import Balance, Breaker
from havuz_gateway.pool import classify
from havuz_gateway.pool.policies import Asked
from havuz_gateway.pool.select import pick, unavailable
from havuz_gateway.pool.types import Candidate, Member
from havuz_gateway.pool.verdict import Verdict
from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.providers.mock import Mock, MockTransport

DRAWS = 4_000


def candidate(weight: float = 1.0, outstanding: int = 0, window: int | None = None) -> Candidate:
    upstream = make_upstream()
    member = Member(upstream, Mock(), MockTransport(lambda: 0.0), outstanding=outstanding)
    return Candidate(make_target(upstream, model="m", context_window=window), member, weight)


def refused(status: int, retry_after: float | None = None) -> Verdict:
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    return classify.classify_response(status, headers, ProviderError("no"), 0)


def judge(chosen: Candidate, said: Verdict, now: float = 0.0) -> None:
    chosen.member.health.fail(said, "m", now, Breaker(failures=1))


def shares(candidates: tuple[Candidate, ...], balance: Balance, seed: int = 1) -> list[float]:
    rng = random.Random(seed)
    drawn = Counter(pick((candidates,), Asked(balance), tried=(), now=0, rng=rng) for _ in range(DRAWS))
    return [drawn[one] / DRAWS for one in candidates]


@pytest.mark.parametrize("balance", ["LeastBusy", "Weighted"])
@pytest.mark.parametrize("weights", [(1, 1), (9, 1), (5, 3, 2), (1, 1, 1, 97)])
def test_an_idle_pool_shares_by_weight(balance: Balance, weights: tuple[int, ...]) -> None:
    found = shares(tuple(candidate(weight) for weight in weights), balance)
    assert found == pytest.approx([weight / sum(weights) for weight in weights], abs=0.03)


def test_the_busier_of_two_is_not_chosen() -> None:
    free, busy = candidate(), candidate(outstanding=1)
    assert shares((free, busy), "LeastBusy") == [1, 0]
    assert shares((free, busy), "Weighted") == pytest.approx([0.5, 0.5], abs=0.03)


def test_busy_is_measured_by_weight() -> None:
    strong, weak = candidate(weight=10, outstanding=5), candidate(weight=1, outstanding=1)
    assert shares((strong, weak), "LeastBusy") == [1, 0]


def test_power_of_two_keeps_the_load_level_where_plain_chance_does_not() -> None:
    def spread(balance: Balance) -> int:
        rng, members = random.Random(7), tuple(candidate() for _ in range(20))
        for _ in range(2_000):
            chosen = pick((members,), Asked(balance), tried=(), now=0, rng=rng)
            assert chosen is not None
            chosen.member.outstanding += 1
        loads = [one.member.outstanding for one in members]
        return max(loads) - min(loads)

    assert spread("LeastBusy") <= 6
    assert spread("Weighted") > 20


@given(st.lists(st.tuples(st.floats(0.001, 1000), st.integers(0, 50)), min_size=1, max_size=8), st.integers())
def test_a_choice_is_always_made_among_the_usable(given_: list[tuple[float, int]], seed: int) -> None:
    candidates = tuple(candidate(weight, outstanding) for weight, outstanding in given_)
    usable = set(candidates)
    rng = random.Random(seed)
    tried: set[Candidate] = set()
    while usable:
        chosen = pick((candidates,), Asked("LeastBusy"), tried=tried, now=0, rng=rng)
        assert chosen in usable
        usable.remove(chosen)
        tried.add(chosen)
    assert pick((candidates,), Asked("LeastBusy"), tried=tried, now=0, rng=rng) is None


def test_the_next_tier_is_used_only_when_the_one_before_has_nothing_usable() -> None:
    first, second, last = candidate(), candidate(), candidate()
    tiers, rng = ((first, second), (last,)), random.Random(0)
    judge(first, refused(401))
    assert pick(tiers, Asked("LeastBusy"), tried=(), now=1, rng=rng) is second
    assert pick(tiers, Asked("LeastBusy"), tried={second}, now=1, rng=rng) is last
    assert pick(tiers, Asked("LeastBusy"), tried={second, last}, now=1, rng=rng) is None
    assert pick(tiers, Asked("LeastBusy"), tried={second}, now=601, rng=rng) is first


def test_a_caller_can_narrow_the_choice() -> None:
    small, large = candidate(window=8_000), candidate(window=128_000)
    chosen = pick(((small, large),), Asked("Weighted"), tried=(), now=0, rng=random.Random(0),
                  allowed=lambda one: (one.target.context_window or 0) > 8_000)  # fmt: skip
    assert chosen is large


def test_rate_limits_alone_are_told_from_everything_else() -> None:
    cooling, also, rejected = candidate(), candidate(), candidate()
    judge(cooling, refused(429, 20))
    judge(also, refused(429, 8))
    judge(rejected, refused(401))
    found = unavailable(((cooling,), (also,)), now=1)
    assert (found.rate_limited_only, found.retry_after, found.counts) == (True, 7, {"CoolingDown": 2})
    found = unavailable(((cooling, rejected),), now=1)
    assert (found.rate_limited_only, found.retry_after) == (False, 19)
    assert found.counts == {"CoolingDown": 1, "Rejected": 1}


def test_a_limit_of_a_keys_own_is_a_rate_limit_unless_its_money_is_spent() -> None:
    one, other = candidate(), candidate()
    one.member.health.limit("tokens", 9)
    other.member.health.limit("concurrency", 5)
    found = unavailable(((one, other),), now=1)
    assert (found.rate_limited_only, found.retry_after, found.counts) == (True, 4, {"Limited": 2})
    other.member.health.limit("spend", 3600)
    judge(other, refused(429, 2), now=1)
    assert not unavailable(((one, other),), now=1).rate_limited_only


def test_a_base_url_that_nobody_reaches_is_no_rate_limit() -> None:
    cooling, away = candidate(), candidate()
    judge(cooling, refused(429, 20))
    away.member.site.unreachable(0, Breaker(failures=1, open_for=5))
    found = unavailable(((cooling, away),), now=1)
    assert (found.rate_limited_only, found.retry_after) == (False, 4)
    assert found.counts == {"CoolingDown": 1, "Unreachable": 1}


def test_an_empty_pool_is_no_rate_limit() -> None:
    found = unavailable((), now=0)
    assert not found.rate_limited_only
    assert found.retry_after > 1
    assert found.counts == {}
