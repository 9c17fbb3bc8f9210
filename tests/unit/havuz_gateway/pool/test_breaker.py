"""The breaker's table, cell by cell, and the laws that hold for any history."""

from hypothesis import given
from hypothesis import strategies as st

from havuz_contract.snapshot.models import Breaker
from havuz_gateway.pool import breaker
from havuz_gateway.pool.breaker import CLOSED, TRIAL_SECONDS, Closed, Open, Trial

LIMITS = Breaker(failures=3, window=10, open_for=5)


def test_failures_in_a_row_within_the_window_open_it() -> None:
    state: breaker.State = CLOSED
    for now in (0.0, 1.0, 2.0):
        assert breaker.blocked_until(state, now) is None
        state = breaker.fail(state, now, LIMITS)
    assert state == Open(until=7.0, open_for=5)
    assert breaker.blocked_until(state, 6.9) == 7.0
    assert breaker.blocked_until(state, 7.0) is None


def test_the_window_slides() -> None:
    state: breaker.State = CLOSED
    for now in (0.0, 9.0, 11.0):
        state = breaker.fail(state, now, LIMITS)
    assert state == Closed((9.0, 11.0))
    assert isinstance(breaker.fail(state, 12.0, LIMITS), Open)


def test_a_success_starts_the_count_anew() -> None:
    state = breaker.fail(breaker.fail(CLOSED, 0, LIMITS), 1, LIMITS)
    state = breaker.succeed(state, 2)
    assert state == CLOSED
    assert breaker.fail(state, 3, LIMITS) == Closed((3,))


def test_half_open_lets_one_request_through() -> None:
    trial = breaker.begin(Open(until=7, open_for=5), 8)
    assert trial == Trial(until=8 + TRIAL_SECONDS, open_for=5, times=1)
    assert breaker.blocked_until(trial, 9) == 8 + TRIAL_SECONDS


def test_the_trial_decides() -> None:
    trial = Trial(until=40, open_for=5, times=1)
    assert breaker.succeed(trial, 9) == CLOSED
    assert breaker.fail(trial, 9, LIMITS) == Open(until=14, open_for=5, times=2)


def test_a_trial_that_tells_nothing_is_given_back() -> None:
    state = breaker.abandon(Trial(until=40, open_for=5, times=1), 9)
    assert breaker.blocked_until(state, 9) is None
    assert isinstance(breaker.begin(state, 9), Trial)


def test_attempts_from_before_it_opened_change_nothing() -> None:
    state = Open(until=7, open_for=5)
    assert breaker.succeed(state, 6) is state
    assert breaker.fail(state, 6, LIMITS) is state
    assert breaker.abandon(state, 6) is state
    assert breaker.begin(state, 6) is state


EVENTS = st.lists(st.tuples(st.sampled_from(["begin", "succeed", "fail", "abandon"]), st.floats(0, 20)), max_size=60)


@given(EVENTS)
def test_whatever_happened_a_blocked_breaker_lets_someone_through_again(events: list[tuple[str, float]]) -> None:
    state: breaker.State = CLOSED
    now = 0.0
    for name, wait in events:
        now += wait
        match name:
            case "begin":
                state = breaker.begin(state, now)
            case "succeed":
                state = breaker.succeed(state, now)
            case "fail":
                state = breaker.fail(state, now, LIMITS)
            case _:
                state = breaker.abandon(state, now)
    until = breaker.blocked_until(state, now)
    assert until is None or now < until <= now + max(LIMITS.open_for, TRIAL_SECONDS)
    end = until or now
    assert breaker.blocked_until(state, end) is None
    assert breaker.succeed(breaker.begin(state, end), end) == CLOSED
