"""Billing months: they follow one another without a gap, and every moment is in exactly one."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from havuz_contract.periods import Period, period
from havuz_contract.snapshot.models import Monthly

# Among them: clock changes at midnight, a calendar day that never was (Apia), offsets that are no whole hours.
ZONES = ("UTC", "Europe/Istanbul", "America/Sao_Paulo", "Africa/Cairo", "Asia/Beirut", "Pacific/Apia", "Asia/Kathmandu",
         "America/Havana", "Australia/Lord_Howe", "Pacific/Kwajalein")  # fmt: skip
moments = st.integers(min_value=0, max_value=4_000_000_000)
plans = st.builds(
    Monthly, allowance=st.just(1), anchor_day=st.integers(min_value=1, max_value=31), time_zone=st.sampled_from(ZONES)
)


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def found(text: str, *, anchor_day: int = 1, zone: str = "UTC") -> tuple[str, str, str]:
    one = period(Monthly(allowance=1, anchor_day=anchor_day, time_zone=zone), at(text, zone))
    start, end = (datetime.fromtimestamp(moment, ZoneInfo(zone)) for moment in (one.start, one.end))
    return one.id, start.isoformat()[:16], end.isoformat()[:16]


@given(monthly=plans, now=moments)
def test_a_moment_is_within_its_period(monthly: Monthly, now: int) -> None:
    one = period(monthly, now)
    assert one.start <= now < one.end
    assert 26 * 86_400 < one.end - one.start < 33 * 86_400


@given(monthly=plans, now=moments)
def test_periods_follow_one_another_without_a_gap(monthly: Monthly, now: int) -> None:
    one = period(monthly, now)
    after, before = period(monthly, one.end), period(monthly, one.start - 1)
    assert (before.end, one.end) == (one.start, after.start)
    assert before.id < one.id < after.id


@given(monthly=plans, now=moments, share=st.floats(min_value=0, max_value=1, exclude_max=True))
def test_every_moment_of_a_period_is_in_it(monthly: Monthly, now: int, share: float) -> None:
    one = period(monthly, now)
    assert period(monthly, one.start + int((one.end - one.start) * share)) == one


@given(monthly=plans, now=moments)
def test_a_period_begins_when_its_anchor_day_does(monthly: Monthly, now: int) -> None:
    one = period(monthly, now)
    zone = ZoneInfo(monthly.time_zone)
    first, last = datetime.fromtimestamp(one.start, zone), datetime.fromtimestamp(one.start - 1, zone)
    assert f"{first:%Y-%m}" >= one.id
    assert first.date() > last.date() or first.utcoffset() != last.utcoffset()


def test_an_anchor_day_that_the_month_lacks_is_its_last() -> None:
    assert found("2027-02-27", anchor_day=31) == ("2027-01", "2027-01-31T00:00", "2027-02-28T00:00")
    assert found("2027-02-28", anchor_day=31) == ("2027-02", "2027-02-28T00:00", "2027-03-31T00:00")
    assert found("2028-02-29", anchor_day=30) == ("2028-02", "2028-02-29T00:00", "2028-03-30T00:00")


def test_the_year_turns() -> None:
    assert found("2026-12-15", anchor_day=15) == ("2026-12", "2026-12-15T00:00", "2027-01-15T00:00")
    assert found("2027-01-14", anchor_day=15) == ("2026-12", "2026-12-15T00:00", "2027-01-15T00:00")


def test_the_day_begins_in_the_projects_time_zone() -> None:
    monthly = Monthly(allowance=1, anchor_day=1, time_zone="Europe/Istanbul")
    assert period(monthly, at("2026-10-31T20:59:59")).id == "2026-10"
    assert period(monthly, at("2026-10-31T21:00")).id == "2026-11"


def test_a_midnight_that_is_skipped_is_the_first_moment_after() -> None:
    assert found("2018-11-04T12:00", anchor_day=4, zone="America/Sao_Paulo")[1] == "2018-11-04T01:00"


def test_of_two_midnights_the_first_begins_the_period() -> None:
    one = period(Monthly(allowance=1, anchor_day=1, time_zone="America/Havana"), at("2026-11-01T05:30"))
    assert one.start == datetime(2026, 11, 1, 4, tzinfo=UTC).timestamp()


def test_moving_the_anchor_day_grants_no_second_allowance_for_a_month() -> None:
    now = at("2026-11-20")
    ids = {period(Monthly(allowance=1, anchor_day=day), now).id for day in range(1, 32)}
    assert max(ids) == "2026-11"


@pytest.mark.parametrize("name", ["Mars/Olympus", "Europe", "../etc/passwd", "", "/etc/passwd", "utc\0"])
def test_an_unknown_time_zone_is_refused_with_a_sentence(name: str) -> None:
    with pytest.raises(ValueError, match="is no time zone of the IANA database"):
        period(Monthly(allowance=1, time_zone=name), 0)


def test_a_period_reads_like_its_parts() -> None:
    assert period(Monthly(allowance=1), at("2026-11-20")) == Period("2026-11", 1793491200, 1796083200)
