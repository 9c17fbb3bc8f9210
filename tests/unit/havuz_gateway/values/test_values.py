"""A value of the hot path behaves like a frozen dataclass in all but one thing."""

from dataclasses import field, fields, replace

import pytest

from havuz_gateway.values import frozen


@frozen
class _Point:
    x: int
    names: tuple[str, ...] = field(default=())


def test_it_is_equal_and_hashed_by_its_fields() -> None:
    assert _Point(1) == _Point(1, ())
    assert len({_Point(1), _Point(1), _Point(2)}) == 2


def test_it_is_replaced_shown_and_matched_as_a_dataclass() -> None:
    match replace(_Point(1), names=("a",)):
        case _Point(x, names):
            assert (x, names) == (1, ("a",))
    assert repr(_Point(1)) == "_Point(x=1, names=())"
    assert [one.name for one in fields(_Point)] == ["x", "names"]  # type: ignore[arg-type]


def test_it_has_no_room_for_other_names() -> None:
    with pytest.raises(AttributeError):
        _Point(1).other = 2  # type: ignore[attr-defined]
