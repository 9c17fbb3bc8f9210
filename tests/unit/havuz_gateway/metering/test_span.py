"""Spans of usage: read as people write them, and covered by days and hours exactly once."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from havuz_gateway.metering.span import read_time, span_of, write_time

MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1)).map(lambda naive: naive.replace(tzinfo=UTC))


@given(MOMENTS, st.timedeltas(timedelta(seconds=1), timedelta(days=60)))
def test_days_and_hours_cover_a_span_exactly_once(start: datetime, length: timedelta) -> None:
    span = span_of(start, start + length)
    days, hours = span.parts()
    covered = [day + f"{hour:02}" for day in days for hour in range(24)] + hours
    count = (span.end - span.start) // timedelta(hours=1)
    assert sorted(covered) == [f"{span.start + timedelta(hours=index):%Y%m%d%H}" for index in range(count)]
    assert span.start <= start < start + length <= span.end
    assert len(hours) < 48


@given(MOMENTS)
def test_a_time_is_read_as_it_was_written(moment: datetime) -> None:
    assert read_time(write_time(moment), end=True) == moment.replace(microsecond=0)


@pytest.mark.parametrize(
    ("text", "end", "meant"),
    [("2026-11-21", False, "2026-11-21T00:00:00Z"), ("2026-11-21", True, "2026-11-22T00:00:00Z"),
     ("2026-11-21T08:00:00+03:00", True, "2026-11-21T05:00:00Z"),
     ("2026-11-21t08:00:00.5z", False, "2026-11-21T08:00:00Z")],
)  # fmt: skip
def test_days_zones_and_fractions_are_understood(text: str, end: bool, meant: str) -> None:
    assert write_time(read_time(text, end=end)) == meant


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026", "20261121", "2026-W47-6", "2026-02-30", "2026-11-21T08:00", "2026-11-21T08:00:00", "٢٠٢٦-١١-٢١",
     "0001-01-01", "9999-12-31", "2026-11-21T08:00:00+99:00", "1" * 5_000],
)  # fmt: skip
def test_anything_else_is_refused_in_a_short_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="neither a day such as") as refused:
        read_time(text, end=False)
    assert len(str(refused.value)) < 160
