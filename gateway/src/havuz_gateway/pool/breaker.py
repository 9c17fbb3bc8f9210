"""The circuit breaker of one key: `(state, event, now) -> state`. No clock, no I/O; times are monotonic seconds.

    Closed ──failures in a row, within the window──▶ Open ──open_for passes, a request begins──▶ Trial
      ▲                                               ▲                                           │ │
      └────────────────────success────────────────────┼───────────────────────────────────────────┘ │
                                                      └──────────────failure (again for open_for)───┘

Open whose time has passed is *half-open*: the next request to begin is the trial. A trial of which nothing is heard for
`TRIAL_SECONDS` ends by itself, and another request may try.
"""

from dataclasses import dataclass

from havuz_contract.snapshot.models import Breaker

TRIAL_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Closed:
    """Requests go through. `failures` are the times of those in a row, oldest first, none older than the window."""

    failures: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Open:
    """No request goes through before `until`; then one does. `times` it opened without a success in between."""

    until: float
    open_for: float
    times: int = 1


@dataclass(frozen=True, slots=True)
class Trial:
    """One request is under way and decides. `until` is when it counts as lost."""

    until: float
    open_for: float
    times: int


State = Closed | Open | Trial
CLOSED = Closed()


def blocked_until(state: State, now: float) -> float | None:
    """Until when no request may begin, or None when one may."""
    if isinstance(state, Closed) or state.until <= now:
        return None
    return state.until


def begin(state: State, now: float) -> State:
    """A request begins: a half-open breaker is now on trial."""
    if isinstance(state, Closed) or state.until > now:
        return state
    return Trial(until=now + TRIAL_SECONDS, open_for=state.open_for, times=state.times)


def succeed(state: State, now: float) -> State:
    """A request succeeded. One that began before the breaker opened tells nothing of the time since."""
    if isinstance(state, Open) and state.until > now:
        return state
    return CLOSED


def fail(state: State, now: float, limits: Breaker) -> State:
    """A request failed. One that began before the breaker opened does not keep it open for longer."""
    match state:
        case Closed(failures):
            recent = (*(time for time in failures if time > now - limits.window), now)
            return Open(now + limits.open_for, limits.open_for) if len(recent) >= limits.failures else Closed(recent)
        case Open(until) if until > now:
            return state
        case Open() | Trial():
            return Open(now + limits.open_for, limits.open_for, state.times + 1)
        case _:
            raise AssertionError(f"no state of a breaker: {state!r}")


def abandon(state: State, now: float) -> State:
    """A request ended without telling anything: a trial is given back, and the next request may be one."""
    return half_open(state, now) if isinstance(state, Trial) else state


def half_open(state: State, now: float) -> State:
    """Let the next request be the trial, whatever time is left."""
    if isinstance(state, Closed):
        return state
    return Open(until=now, open_for=state.open_for, times=state.times)
