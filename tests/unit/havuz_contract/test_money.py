"""Amounts: exact, bounded, never a float."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from havuz_contract.money import MAX_NANOS, format_amount, parse_amount


@given(st.integers(min_value=-MAX_NANOS, max_value=MAX_NANOS))
def test_every_amount_is_written_and_read_back_exactly(nanos: int) -> None:
    assert parse_amount(format_amount(nanos)) == nanos


@pytest.mark.parametrize(
    ("text", "nanos"),
    [("0", 0), ("0.10", 100_000_000), ("25", 25_000_000_000), ("0.000000001", 1), ("-1.5", -1_500_000_000)],
)
def test_a_decimal_is_so_many_nanos(text: str, nanos: int) -> None:
    assert parse_amount(text) == nanos


@pytest.mark.parametrize(
    "text", ["", "abc", "NaN", "Infinity", "-inf", "1e30", "0.0000000001", "9223372036.854775808", "1,5"]
)
def test_what_is_no_amount_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"^amount "):
        parse_amount(text)


@pytest.mark.parametrize(
    ("nanos", "text"), [(0, "0"), (1_500_000_000, "1.5"), (10_000_000_000, "10"), (1, "0.000000001")]
)
def test_an_amount_is_written_as_short_as_it_can_be(nanos: int, text: str) -> None:
    assert format_amount(nanos) == text


@given(st.text(max_size=12))
def test_any_text_is_an_amount_or_refused(text: str) -> None:
    try:
        nanos = parse_amount(text)
    except ValueError as error:
        nanos = 0
        assert str(error)  # noqa: PT017 (both ends are fine)
    assert abs(nanos) <= MAX_NANOS
