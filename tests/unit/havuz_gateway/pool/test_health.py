"""Verdicts on keys: to whom they apply, how long they last, and that each of them ends."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from havuz_contract.snapshot.models import Breaker
from havuz_gateway.pool import classify, health
from havuz_gateway.pool.block import Block
from havuz_gateway.pool.breaker import TRIAL_SECONDS
from havuz_gateway.pool.health import Health
from havuz_gateway.pool.ramp import SLOW_START_SECONDS
from havuz_gateway.pool.verdict import Next, Reason, Scope, Verdict

LIMITS = Breaker(failures=2, window=10, open_for=5)


def verdict(reason: Reason, retry_after: float | None = None) -> Verdict:
    return replace(classify._verdict(reason, "said so"), retry_after=retry_after)


RATE_LIMITED = verdict(Reason.RATE_LIMITED)
SERVER_ERROR = verdict(Reason.SERVER_ERROR)
REJECTED = verdict(Reason.REJECTED)


def test_a_rate_limit_cools_down_one_model_until_the_hint() -> None:
    state = Health()
    block = state.fail(verdict(Reason.RATE_LIMITED, 7.5), "a", 100, LIMITS)
    assert block is not None
    assert state.blocked("a", 107) == block == Block("CoolingDown", 107.5, rate_limited=True)
    assert state.blocked("b", 107) is None
    assert state.blocked("a", 107.5) is None


def test_a_rate_limit_without_a_hint_backs_off_and_doubles() -> None:
    state, now, waits = Health(), 0.0, []
    for _ in range(8):
        block = state.fail(RATE_LIMITED, "a", now, LIMITS)
        assert block is not None
        waits.append(block.until - now)
        now = block.until
        state.begin("a", now)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    state.succeed("a", now)
    again = state.fail(RATE_LIMITED, "a", now, LIMITS)
    assert again is not None
    assert again.until - now == 1


def test_one_burst_of_rate_limits_is_one_cool_down() -> None:
    state = Health()
    blocks = [state.fail(RATE_LIMITED, "a", now, LIMITS) for now in (0.0, 0.1, 0.2)]
    assert [block is not None for block in blocks] == [True, False, False]
    assert state.blocked("a", 1.0) is None


def test_a_hint_is_bounded() -> None:
    state = Health()
    state.fail(verdict(Reason.RATE_LIMITED, 1e9), "a", 0, LIMITS)
    assert state.blocked("a", health.COOL_DOWN_MAX_SECONDS) is None
    state.fail(verdict(Reason.EXHAUSTED, 1e9), "a", 0, LIMITS)
    assert state.blocked("a", health.EXHAUSTED_MAX_SECONDS) is None


@pytest.mark.parametrize(("reason", "name"), [(Reason.REJECTED, "Rejected"), (Reason.EXHAUSTED, "Exhausted")])
def test_a_ban_is_on_the_whole_key_and_ends_with_one_request(reason: Reason, name: str) -> None:
    state = Health()
    state.fail(verdict(reason), "a", 0, LIMITS)
    assert state.blocked("b", 599) == Block(name, 600, rate_limited=False)
    assert state.blocked("b", 600) is None
    state.begin("b", 600)
    assert state.blocked("a", 601) is not None
    state.succeed("b", 602)
    assert state.blocked("a", 602) is None


def test_a_trial_that_is_refused_again_bans_again() -> None:
    state = Health()
    state.fail(REJECTED, "a", 0, LIMITS)
    state.begin("a", 600)
    state.fail(REJECTED, "a", 601, LIMITS)
    assert state.blocked("a", 602) == Block("Rejected", 1201, rate_limited=False)


def test_an_exhausted_key_returns_at_its_reset() -> None:
    state = Health()
    state.fail(verdict(Reason.EXHAUSTED, 30), "a", 0, LIMITS)
    assert state.blocked("a", 29) is not None
    assert state.blocked("a", 30) is None


def test_a_missing_model_is_remembered_for_that_model() -> None:
    state = Health()
    state.fail(verdict(Reason.MODEL_MISSING), "a", 0, LIMITS)
    assert state.blocked("a", 599) == Block("ModelMissing", 600, rate_limited=False)
    assert state.blocked("b", 1) is None
    assert state.blocked("a", 600) is None


@pytest.mark.parametrize("reason", [Reason.CONNECT, Reason.TIMEOUT, Reason.SERVER_ERROR, Reason.BROKEN])
def test_failures_of_every_kind_count_for_the_breaker(reason: Reason) -> None:
    state = Health()
    assert state.fail(verdict(reason), "a", 0, LIMITS) is None
    assert state.fail(verdict(reason), "b", 1, LIMITS) == Block("Open", 6, rate_limited=False)
    assert state.blocked("c", 2) is not None


def test_a_half_open_slot_is_given_back_by_whatever_does_not_decide() -> None:
    state = Health()
    for now in (0, 1):
        state.fail(SERVER_ERROR, "a", now, LIMITS)
    for reason in (None, Reason.CLIENT_ERROR, Reason.RATE_LIMITED):
        state.begin("a", 7)
        assert state.blocked("b", 7.5) is not None
        if reason is None:
            state.abandon("a", 8)
        else:
            state.fail(verdict(reason), "a", 8, LIMITS)
        assert state.blocked("b", 8) is None


def test_a_success_from_before_a_verdict_does_not_lift_it() -> None:
    state = Health()
    state.fail(REJECTED, "a", 0, LIMITS)
    state.fail(verdict(Reason.RATE_LIMITED, 30), "a", 0, LIMITS)
    state.succeed("a", 1)
    assert state.blocked("a", 2) == Block("Rejected", 600, rate_limited=False)


def test_a_passed_probe_lifts_a_rejection_but_not_an_exhaustion() -> None:
    state = Health()
    state.fail(REJECTED, "a", 0, LIMITS)
    assert state.wants_probe(1)
    assert state.restore(2)
    assert state.blocked("a", 2) is None
    state.fail(verdict(Reason.EXHAUSTED), "a", 3, LIMITS)
    assert not state.wants_probe(4)
    assert not state.restore(4)
    assert state.blocked("a", 4) is not None


def test_a_breaker_that_opens_again_wants_a_probe_which_makes_it_half_open() -> None:
    state = Health()
    for now in (0, 1):
        state.fail(SERVER_ERROR, "a", now, LIMITS)
    assert not state.wants_probe(2)
    state.begin("a", 6)
    state.fail(SERVER_ERROR, "a", 6, LIMITS)
    assert state.wants_probe(7)
    assert state.restore(7)
    assert state.blocked("a", 7) is None
    state.begin("a", 7)
    assert state.blocked("a", 7.1) is not None


def test_only_rate_limits_count_as_rate_limits() -> None:
    state = Health()
    state.fail(verdict(Reason.RATE_LIMITED, 100), "a", 0, LIMITS)
    state.fail(verdict(Reason.MODEL_MISSING), "a", 0, LIMITS)
    assert state.blocked("a", 1) == Block("ModelMissing", 600, rate_limited=False)


def test_another_gateways_verdict_counts_but_never_for_longer_than_an_own_one_and_not_its_breaker() -> None:
    state = Health()
    state.impose("Open", None, 50, 0)
    state.impose("Strange", None, 50, 0)
    assert state.blocked("a", 1) is None
    state.impose("CoolingDown", "a", 1e12, 0)
    assert state.blocked("a", 1) == Block("CoolingDown", health.COOL_DOWN_MAX_SECONDS, rate_limited=True)
    state.impose("Rejected", None, 1e12, 0)
    assert state.blocked("b", 1) == Block("Rejected", health.REJECTED_SECONDS, rate_limited=False)
    assert state.state(1) == "Rejected"


def test_a_key_that_comes_back_takes_its_share_step_by_step() -> None:
    state = Health()
    state.fail(REJECTED, "a", 0, LIMITS)
    state.begin("a", 600)
    state.succeed("a", 601)
    assert [round(state.share("a", now), 3) for now in (601, 606, 611)] == [0.1, 0.55, 1.0]
    state.succeed("a", 611)
    assert state.well


def test_an_opened_breaker_and_a_passed_probe_are_followed_by_a_slow_start_too() -> None:
    state = Health()
    for now in (0, 1):
        state.fail(SERVER_ERROR, "a", now, LIMITS)
    state.begin("a", 6)
    state.succeed("a", 7)
    assert state.share("b", 7) == 0.1
    state.fail(REJECTED, "a", 100, LIMITS)
    state.restore(150)
    assert state.share("b", 150) == 0.1


def test_after_a_short_rest_of_one_model_the_ramp_is_as_short_and_of_that_model_alone() -> None:
    state = Health()
    state.fail(verdict(Reason.RATE_LIMITED, 2), "a", 0, LIMITS)
    assert state.share("a", 3) == pytest.approx(0.55)
    assert state.share("b", 3) == 1.0
    state.succeed("a", 3)
    assert state.share("a", 4) == 1.0
    state.succeed("a", 4)
    assert state.well


def test_a_provider_that_has_nothing_left_is_rested_but_not_blocked() -> None:
    state = Health()
    state.rest("a", 6, 0)
    assert state.resting("a", 5)
    assert not state.resting("b", 5)
    assert state.blocked("a", 5) is None
    assert not state.resting("a", 6)
    state.rest("a", 1e9, 6)
    assert not state.resting("a", 6 + health.REST_MAX_SECONDS)
    state.succeed("a", 6 + health.REST_MAX_SECONDS)
    assert state.well


VERDICTS = st.builds(verdict, st.sampled_from(Reason), st.none() | st.floats(0, 1e7))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["begin", "succeed", "fail", "abandon"]), VERDICTS, st.sampled_from("ab"), st.floats(0, 900)
    ),
    max_size=40,
)
LONGEST = max(health.EXHAUSTED_MAX_SECONDS, TRIAL_SECONDS)


def _lived(steps: list[tuple[str, Verdict, str, float]]) -> tuple[Health, float]:
    state, now = Health(), 0.0
    for name, said, model, wait in steps:
        now += wait
        match name:
            case "begin":
                state.begin(model, now)
            case "succeed":
                state.succeed(model, now)
            case "fail":
                state.fail(said, model, now, LIMITS)
            case _:
                state.abandon(model, now)
    return state, now


@given(STEPS)
def test_every_block_ends_by_itself(steps: list[tuple[str, Verdict, str, float]]) -> None:
    state, now = _lived(steps)
    for model in "abc":
        block = state.blocked(model, now)
        if block is not None:
            assert now < block.until <= now + LONGEST
            assert state.blocked(model, block.until) is None


@given(STEPS)
def test_a_success_after_the_last_block_leaves_a_key_as_new(steps: list[tuple[str, Verdict, str, float]]) -> None:
    state, now = _lived(steps)
    end = now + LONGEST + 1
    for model in "ab":
        assert state.blocked(model, end) is None
        state.begin(model, end)
        state.succeed(model, end)
        state.succeed(model, end + SLOW_START_SECONDS)
    assert state.well
    assert state.state(end) == "Usable"


@given(STEPS, st.sampled_from([Reason.CLIENT_ERROR, Reason.CONTEXT_LENGTH]))
def test_a_clients_own_fault_never_touches_a_key(steps: list[tuple[str, Verdict, str, float]], reason: Reason) -> None:
    state, now = _lived(steps)
    for trial in ("begin", "abandon"):  # no trial under way: an attempt of its own would be given back
        getattr(state, trial)("a", now)
    before = [state.blocked(model, now) for model in "ab"], state._breaker, state._ban, dict(state._models)
    assert state.fail(verdict(reason), "a", now, LIMITS) is None
    assert before == ([state.blocked(model, now) for model in "ab"], state._breaker, state._ban, dict(state._models))


def test_a_rate_limit_of_one_oversized_request_touches_nothing() -> None:
    state = Health()
    said = Verdict(Reason.RATE_LIMITED, Scope.REQUEST, Next.NEXT_KEY, 60)
    assert state.fail(said, "a", 0, LIMITS) is None
    assert state.blocked("a", 0) is None
