"""Health of a base URL: what speaks against it, and that it ends by itself."""

from hypothesis import given
from hypothesis import strategies as st

from havuz_contract.snapshot.models import Breaker
from havuz_gateway.pool.block import Block, combined
from havuz_gateway.pool.breaker import TRIAL_SECONDS
from havuz_gateway.pool.ramp import SLOW_START_SECONDS
from havuz_gateway.pool.site import EDGE_MAX_SECONDS, EDGE_SECONDS, EDGE_WINDOW_SECONDS, Site

LIMITS = Breaker(failures=2, window=10, open_for=5)


def unreachable() -> Site:
    site = Site()
    assert site.unreachable(0, LIMITS) is None
    assert site.unreachable(1, LIMITS) == Block("Unreachable", 6, rate_limited=False)
    return site


def test_a_site_that_nobody_reaches_is_left_alone_and_then_tried_by_one_request() -> None:
    site = unreachable()
    assert site.blocked(5) == Block("Unreachable", 6, rate_limited=False)
    assert site.blocked(6) is None
    site.begin(6)
    assert site.blocked(7) is not None, "one request is the trial"
    site.reached(8)
    assert site.blocked(8) is None
    assert [site.share(8), site.share(8 + SLOW_START_SECONDS)] == [0.1, 1.0]
    site.reached(8 + SLOW_START_SECONDS)
    assert site.well


def test_any_answer_in_between_starts_the_count_anew() -> None:
    site = Site()
    site.unreachable(0, LIMITS)
    site.reached(1)
    assert site.unreachable(2, LIMITS) is None
    assert site.blocked(2) is None


def test_a_trial_of_which_nothing_is_heard_is_given_back() -> None:
    site = unreachable()
    site.begin(6)
    site.abandon(7)
    assert site.blocked(7) is None


def test_a_site_that_stays_away_wants_a_probe_which_lets_one_request_try() -> None:
    site = unreachable()
    assert not site.wants_probe(2)
    site.begin(6)
    site.unreachable(7, LIMITS)
    assert site.wants_probe(8)
    assert site.probed(8)
    assert site.blocked(8) is None
    assert not site.probed(8)


def test_the_edge_counts_only_when_it_refuses_several_keys_within_a_while() -> None:
    site = Site()
    for now in (0, 1, 2):
        assert site.edge_refused("one", now, None) is None
    assert site.edge_refused("two", 3 + EDGE_WINDOW_SECONDS, None) is None
    block = site.edge_refused("three", 4 + EDGE_WINDOW_SECONDS, None)
    assert block == Block("CoolingDown", 4 + EDGE_WINDOW_SECONDS + EDGE_SECONDS, rate_limited=True)


def test_an_answer_of_the_provider_clears_what_the_edge_said_of_single_keys() -> None:
    site = Site()
    site.edge_refused("one", 0, None)
    site.served(1)
    assert site.well
    assert site.edge_refused("two", 2, None) is None


def test_the_stronger_block_is_told_and_both_must_end() -> None:
    cooling, away = Block("CoolingDown", 9, rate_limited=True), Block("Unreachable", 5, rate_limited=False)
    assert combined(None, None) is None
    assert combined(cooling, None) is cooling
    assert combined(cooling, away) == Block("Unreachable", 9, rate_limited=False)
    rejected = Block("Rejected", 7, rate_limited=False)
    assert combined(rejected, away) == rejected


STEPS = st.lists(
    st.tuples(st.sampled_from(["begin", "reached", "served", "abandon", "unreachable", "edge", "probed"]),
              st.sampled_from("abc"), st.none() | st.floats(0, 1e6), st.floats(0, 20)), max_size=60,
)  # fmt: skip


@given(STEPS)
def test_every_block_of_a_site_ends_by_itself(steps: list[tuple[str, str, float | None, float]]) -> None:
    site, now = Site(), 0.0
    for name, key, hint, wait in steps:
        now += wait
        match name:
            case "unreachable":
                site.unreachable(now, LIMITS)
            case "edge":
                site.edge_refused(key, now, hint)
            case _:
                getattr(site, name)(now)
    block = site.blocked(now)
    if block is not None:
        assert now < block.until <= now + max(TRIAL_SECONDS, EDGE_MAX_SECONDS)
    end = now + TRIAL_SECONDS + EDGE_MAX_SECONDS
    assert site.blocked(end) is None
    site.begin(end)
    site.served(end)
    site.served(end + SLOW_START_SECONDS)
    assert site.well
    assert site.share(end) == 1.0
