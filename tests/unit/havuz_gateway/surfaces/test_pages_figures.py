"""Charts, tables and files of the usage page, and how long a balance lasts."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from harness.builders import make_project, make_project_key
from havuz_gateway.metering.usage import Row, Used
from havuz_gateway.surfaces.pages.chart import HEIGHT, WIDTH, bars, nice
from havuz_gateway.surfaces.pages.overview import days_left
from havuz_gateway.surfaces.pages.usage_tables import as_csv, kind_of, lines, total

SOME = Used(requests=2, errors=1, input=10, output=5, cache_read=0, cache_write=0, cost=7)
PICTURES = Used(requests=1, errors=0, input=0, output=0, cache_read=0, cache_write=0, cost=9, images=3)


@given(st.floats(1e-9, 1e15))
def test_a_scale_ends_at_a_round_number_that_is_not_far_above(value: float) -> None:
    assert value <= nice(value) <= 2.51 * value


@given(st.integers(0, 10**12))
def test_a_scale_of_what_is_counted_has_whole_numbers_at_its_end_and_its_half(count: int) -> None:
    top = nice(count, countable=True)
    assert max(count, 1) <= top <= max(2.51 * count, 2)
    assert top % 2 == 0


@given(st.lists(st.floats(0, 1e9, allow_subnormal=False), max_size=400))
def test_bars_stay_in_their_box_side_by_side(values: list[float]) -> None:
    chart = bars(values, ["" for _ in values])
    for left, right in zip(chart.bars, chart.bars[1:], strict=False):
        assert left.x + left.width <= right.x + 0.02
    for bar, value in zip(chart.bars, values, strict=True):
        assert -0.01 <= bar.x <= bar.x + bar.width <= WIDTH + 0.01
        assert abs(bar.y + bar.height - HEIGHT) < 0.02
        assert (bar.height > 0) == (value > 0)


def test_days_come_latest_first_and_everything_else_by_its_cost() -> None:
    rows = {Row("20261120", "a", "cheap"): SOME, Row("20261121", "a", "dear"): PICTURES}
    assert [line.name for line in lines(rows, "day", str)] == ["20261121", "20261120"]
    assert [line.name for line in lines(rows, "model", str)] == ["dear", "cheap"]
    assert lines(rows, "key", str)[0].used == total([SOME, PICTURES])
    assert [kind_of(one) for one in rows.values()] == ["text", "images"]


def test_no_name_becomes_a_formula_in_a_spreadsheet() -> None:
    key = make_project_key("k", name="=HYPERLINK()")
    rows = {Row("20261121", key.id, "@SUM(1)"): SOME}
    [row] = csv.DictReader(io.StringIO(as_csv(rows, make_project(keys=(key,)).project).decode("utf-8-sig")))
    assert (row["key"], row["model"], row["day"]) == ("'=HYPERLINK()", "'@SUM(1)", "2026-11-21")


def test_a_balance_lasts_as_long_as_the_last_week_says() -> None:
    assert days_left(100, 70) == 10
    assert days_left(100, 0) is None
    assert days_left(-5, 70) == 0
    assert days_left(10**18, 1) == 999
