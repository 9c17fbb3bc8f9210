"""Statuses as differences: written only when something is new, with honest times and generations."""

from datetime import UTC, datetime
from typing import Any

import pytest

from havuz_contract.v1alpha1.conditions import Condition, accepted, not_rotated, programmed, refused, rotated
from havuz_operator.conditions import change
from havuz_operator.events import Happening, happening, key_rotated

THEN, NOW = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)


def _status(*conditions: Condition, generation: int = 1, **fields: Any) -> dict[str, Any]:
    first = change({}, conditions, fields, generation=generation, now=THEN)
    assert first is not None
    return dict(first.patch)


def test_the_same_again_is_not_written() -> None:
    status = _status(accepted(), keysReady="1/1")
    assert change(status, [accepted()], {"keysReady": "1/1"}, generation=1, now=NOW) is None


def test_the_time_moves_with_the_status_alone() -> None:
    status = _status(refused("Invalid", ["one"]))
    worse = change(status, [refused("Conflicted", ["two"])], {}, generation=1, now=NOW)
    assert worse is not None
    assert worse.patch["conditions"][0]["lastTransitionTime"] == "2026-01-01T00:00:00Z"
    better = change(status, [accepted()], {}, generation=1, now=NOW)
    assert better is not None
    assert better.patch["conditions"][0]["lastTransitionTime"] == "2026-01-02T00:00:00Z"


def test_a_new_generation_is_written_even_when_nothing_else_is_new() -> None:
    status = _status(programmed(2, 2, 7))
    again = change(status, [programmed(2, 2, 7)], {}, generation=2, now=NOW)
    assert again is not None
    assert again.patch["conditions"][0]["observedGeneration"] == 2
    assert again.transitions == ()


def test_a_larger_fleet_alone_rewrites_no_object() -> None:
    status = _status(programmed(2, 2, 7))
    assert change(status, [programmed(3, 3, 7)], {}, generation=1, now=NOW) is None


def test_a_field_that_is_gone_is_removed() -> None:
    status = _status(accepted(), until="2026-01-01T00:00:00Z")
    gone = change(status, [accepted()], {"until": None}, generation=1, now=NOW)
    assert gone is not None
    assert gone.patch == {"until": None}


def test_what_is_not_known_at_the_moment_stays_as_it_was() -> None:
    status = _status(accepted(), programmed(2, 2, 7))
    assert change(status, [accepted()], {}, generation=1, now=NOW, keep=("Programmed",)) is None


def test_a_refusal_is_an_event_and_so_is_its_end() -> None:
    status = _status(refused("Invalid", ["spec.x: unknown field"]))
    first = change({}, [refused("Invalid", ["spec.x: unknown field"])], {}, generation=1, now=NOW)
    cured = change(status, [accepted()], {}, generation=1, now=NOW)
    assert first is not None
    assert cured is not None
    told = [happening(transition) for change_ in (first, cured) for transition in change_.transitions]
    assert [(one.type, one.reason) for one in told if one] == [("Warning", "Invalid"), ("Normal", "Accepted")]


def test_a_refused_rotation_is_an_event_and_a_pending_one_is_not() -> None:
    conditions = [not_rotated("RotationRefused", ["why"]), not_rotated("RotationPending", ["why"]), rotated("done")]
    made = [change({}, [one], {}, generation=1, now=NOW) for one in conditions]
    told = [happening(one.transitions[0]) for one in made if one is not None]
    assert told == [Happening("Warning", "RotationRefused", "why"), None, None]


@pytest.mark.parametrize(
    ("grace", "end"), [("24h", "the former key works for 24h."), ("0s", "the former key does not work any more.")]
)
def test_a_rotation_tells_where_the_new_key_is_and_how_long_the_former_works(grace: str, end: str) -> None:
    told = key_rotated("live", "shop-live", grace=grace)
    assert (told.type, told.reason) == ("Normal", "KeyRotated")
    assert told.message == f"Key 'live' was rotated: the new one is in Secret 'shop-live', {end}"


def test_a_rate_limit_is_a_state_and_a_rejected_key_an_event() -> None:
    def told(reason: str) -> str | None:
        usable = Condition("Usable", "False", reason, "why")  # type: ignore[arg-type]
        made = change({}, [usable], {}, generation=1, now=NOW)
        assert made is not None
        found = happening(made.transitions[0])
        return found.reason if found else None

    assert told("CoolingDown") is None
    assert told("Rejected") == "KeyRejected"
    assert told("Exhausted") == "KeyExhausted"
