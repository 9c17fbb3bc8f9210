"""Policies: shares by weight, who is preferred, and that nobody is flooded or forgotten."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.builders import make_target, make_upstream
from havuz_contract.snapshot.models import Balance
from havuz_gateway.pool.latency import HALF_LIFE_SECONDS, measured
from havuz_gateway.pool.policies import BUSY_FACTOR, NEVER_BUSY, Asked, choose, seed_of
from havuz_gateway.pool.ramp import FIRST_SHARE, SLOW_START_SECONDS, ramp
from havuz_gateway.pool.types import Candidate, Member
from havuz_gateway.providers.mock.provider import Mock
from havuz_gateway.providers.mock.transport import MockTransport

DRAWS = 4_000


def candidate(weight: float = 1, outstanding: int = 0, *, name: str = "a") -> Candidate:
    upstream = make_upstream(name=name)
    member = Member(upstream, Mock(), MockTransport(lambda: 0.0), outstanding=outstanding)
    return Candidate(make_target(upstream, model="m"), member, weight, seed_of(upstream.uid, "m"))


def pool_of(*weights: float) -> list[Candidate]:
    return [candidate(weight, name=f"key-{number}") for number, weight in enumerate(weights)]


def conversation(number: int) -> Asked:
    return Asked("CacheAffinity", conversation=seed_of("conversation", str(number)))


def homes(candidates: list[Candidate], count: int = DRAWS) -> list[Candidate]:
    rng = random.Random(0)
    return [choose(candidates, conversation(number), now=0, rng=rng) for number in range(count)]


@pytest.mark.parametrize("balance", ["LeastBusy", "Weighted", "LowestLatency", "Cheapest", "CacheAffinity"])
@pytest.mark.parametrize("weights", [(1, 1), (9, 1), (5, 3, 2)])
def test_an_idle_pool_of_equals_shares_by_weight(balance: Balance, weights: tuple[int, ...]) -> None:
    rng, candidates = random.Random(1), pool_of(*weights)
    drawn = Counter(choose(candidates, Asked(balance), now=0, rng=rng) for _ in range(DRAWS))
    shares = [drawn[one] / DRAWS for one in candidates]
    assert shares == pytest.approx([weight / sum(weights) for weight in weights], abs=0.04)


@pytest.mark.parametrize("weights", [(1, 1), (9, 1), (5, 3, 2), (1, 1, 1, 97)])
def test_conversations_are_at_home_by_weight(weights: tuple[int, ...]) -> None:
    candidates = pool_of(*weights)
    found = Counter(homes(candidates))
    shares = [found[one] / DRAWS for one in candidates]
    assert shares == pytest.approx([weight / sum(weights) for weight in weights], abs=0.03)


@given(st.integers(2, 12), st.integers(0, 11), st.integers(0, 1 << 64))
def test_when_a_key_leaves_only_its_own_conversations_move(count: int, leaving: int, talk: int) -> None:
    candidates, rng = pool_of(*range(1, count + 1)), random.Random(0)
    asked = Asked("CacheAffinity", conversation=talk)
    home = choose(candidates, asked, now=0, rng=rng)
    gone = candidates[leaving % count]
    left = [one for one in candidates if one is not gone]
    assert home is gone or choose(left, asked, now=0, rng=rng) is home


def test_a_conversation_stays_with_its_key_until_that_is_busy_and_then_spills_to_the_same_next_one() -> None:
    candidates, rng = pool_of(1, 1, 1), random.Random(0)
    home = choose(candidates, conversation(7), now=0, rng=rng)
    home.member.outstanding = NEVER_BUSY - 1
    assert choose(candidates, conversation(7), now=0, rng=rng) is home
    home.member.outstanding = 2 * NEVER_BUSY
    spilled = {choose(candidates, conversation(7), now=0, rng=rng) for _ in range(20)}
    assert len(spilled) == 1
    assert home not in spilled


@given(st.lists(st.sampled_from([1.0, 2.0, 5.0]), min_size=2, max_size=6), st.integers(0, 1 << 32))
def test_one_conversation_alone_never_puts_more_than_a_quarter_above_its_share_on_a_key(
    weights: list[float], talk: int
) -> None:
    candidates, rng = pool_of(*weights), random.Random(0)
    for _ in range(60):
        chosen = choose(candidates, Asked("CacheAffinity", conversation=talk), now=0, rng=rng)
        chosen.member.outstanding += 1
    for one in candidates:
        fair = 60 * one.weight / sum(weights)
        assert one.member.outstanding <= max(NEVER_BUSY, BUSY_FACTOR * fair + 1)


def test_the_home_of_a_conversation_is_the_same_in_every_process() -> None:
    assert seed_of("a", "b") == 18429100309458631331
    assert seed_of("ab", "") != seed_of("a", "b")


def test_the_quicker_key_is_preferred_until_what_it_has_to_do_outweighs_it() -> None:
    (quick, slow), rng = pool_of(1, 1), random.Random(0)
    quick.member.waited("m", 0.5, 0, stream=True)
    slow.member.waited("m", 2.0, 0, stream=True)
    asked = Asked("LowestLatency", stream=True)
    assert {choose([quick, slow], asked, now=0, rng=rng) for _ in range(50)} == {quick}
    quick.member.outstanding = 4
    assert {choose([quick, slow], asked, now=0, rng=rng) for _ in range(50)} == {slow}
    quick.member.outstanding = 0
    other = Asked("LowestLatency", stream=False)
    assert {choose([quick, slow], other, now=0, rng=rng) for _ in range(50)} == {quick, slow}, "not measured for these"


def test_a_key_that_was_slow_once_is_tried_again() -> None:
    (quick, slow), rng = pool_of(1, 1), random.Random(0)
    slow.member.waited("m", 8.0, 0, stream=True)
    asked, now, tried_at = Asked("LowestLatency", stream=True), 0.0, None
    while tried_at is None and now < 20 * HALF_LIFE_SECONDS:
        quick.member.waited("m", 0.5, now, stream=True)
        if choose([quick, slow], asked, now=now, rng=rng) is slow:
            tried_at = now
        now += 1
    assert tried_at is not None
    assert HALF_LIFE_SECONDS < tried_at <= 5 * HALF_LIFE_SECONDS


def test_a_key_that_was_never_measured_is_tried_and_not_flooded() -> None:
    (known, new), rng = pool_of(1, 1), random.Random(0)
    known.member.waited("m", 5.0, 0, stream=True)
    for _ in range(100):
        choose([known, new], Asked("LowestLatency", stream=True), now=0, rng=rng).member.outstanding += 1
    assert abs(known.member.outstanding - new.member.outstanding) <= 2


def test_an_average_moves_towards_what_is_measured() -> None:
    latency = measured(None, 1.0, 0)
    assert latency.expected(0) == 1.0
    for now in range(30):
        latency = measured(latency, 3.0, now)
    assert latency.expected(29) == pytest.approx(3.0, abs=0.01)
    assert latency.expected(29 + HALF_LIFE_SECONDS) == pytest.approx(1.5, abs=0.01)


def test_the_cheapest_target_is_asked_and_among_its_keys_the_less_busy() -> None:
    free, busy, dear, unknown = (candidate(name=name) for name in "abcd")
    shared = Candidate(free.target, busy.member, 1)
    busy.member.outstanding = 3
    asked = Asked("Cheapest", costs={id(free.target): 10, id(dear.target): 11})
    rng = random.Random(0)
    assert {choose([unknown, dear, shared, free], asked, now=0, rng=rng) for _ in range(50)} == {free}
    assert choose([unknown, dear], asked, now=0, rng=rng) is dear
    assert choose([unknown], asked, now=0, rng=rng) is unknown


@pytest.mark.parametrize("balance", ["LeastBusy", "Weighted", "CacheAffinity"])
def test_a_key_that_has_just_come_back_is_given_little(balance: Balance) -> None:
    candidates, rng = pool_of(1, 1, 1), random.Random(3)
    candidates[0].member.health.join(100)
    drawn = Counter(
        choose(candidates, Asked(balance, conversation=seed_of(str(number))), now=100, rng=rng)
        for number in range(DRAWS)
    )
    assert drawn[candidates[0]] / DRAWS == pytest.approx(FIRST_SHARE / (2 + FIRST_SHARE), abs=0.03)


def test_when_a_third_of_the_keys_dies_their_load_is_spread_evenly_over_the_rest() -> None:
    candidates, rng = pool_of(*[1.0] * 20), random.Random(5)
    streams = [choose(candidates, Asked("LeastBusy"), now=0, rng=rng) for _ in range(500)]
    for one in streams:
        one.member.outstanding += 1
    dead, alive = candidates[:6], candidates[6:]
    for _ in range(sum(one.member.outstanding for one in dead)):
        choose(alive, Asked("LeastBusy"), now=0, rng=rng).member.outstanding += 1
    loads = [one.member.outstanding for one in alive]
    assert max(loads) / min(loads) <= 1.3


def test_an_idle_key_that_has_just_come_back_is_not_flooded_by_the_less_busy_policy() -> None:
    candidates, rng = pool_of(*[1.0] * 10), random.Random(6)
    for one in candidates[1:]:
        one.member.outstanding = 50
    candidates[0].member.health.join(0)
    for _ in range(500):
        choose(candidates, Asked("LeastBusy"), now=0, rng=rng).member.outstanding += 1
    assert candidates[0].member.outstanding <= 20, "a fair share of these requests would be 50, of all load 95"


@given(st.floats(-5, 50), st.floats(0, 20))
def test_a_ramp_never_falls_and_ends_at_the_whole(since: float, later: float) -> None:
    assert FIRST_SHARE <= ramp(since) <= ramp(since + later) <= 1.0
    assert ramp(SLOW_START_SECONDS) == 1.0
