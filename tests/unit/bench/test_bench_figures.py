"""The bench's own arithmetic: quantiles, ratios by rounds, and when the requests of an open loop are due."""

import math
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))

from bench import figures, sections, sizing, stamps, tables
from bench.measure import Book, Reading, is_held


def _reading(cpu_each: float, **more: float) -> Reading:
    defaults = {"count": 100, "rate": 1000.0, "busy": 1.0, "p50": 1.0, "p99": 2.0}
    return Reading(cpu_each=cpu_each, **(defaults | more))  # type: ignore[arg-type]


def _book(**readings: list[float]) -> Book:
    book = Book()
    for target, each in readings.items():
        for cpu_each in each:
            book.add(target, "requests", _reading(cpu_each))
    return book


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1.0), (0.5, 51.0), (0.99, 100.0), (1.0, 100.0)], ids=["least", "middle", "p99", "most"]
)
def test_a_quantile_is_one_of_the_values(share: float, value: float) -> None:
    assert figures.quantile([float(one) for one in range(100, 0, -1)], share) == value


def test_without_values_there_is_no_median_and_no_ratio() -> None:
    assert figures.quantile([], 0.99) == 0.0
    assert math.isnan(figures.median([]))
    assert math.isnan(figures.ratio([1.0], []))
    assert math.isnan(figures.ratio([1.0], [0.0]))


def test_a_ratio_is_taken_within_each_round() -> None:
    book = _book(ours=[20.0, 200.0, 24.0], theirs=[10.0, 100.0, 10.0])  # a machine that was slow for one round
    assert book.ratio("ours", "theirs", "requests") == 2.0
    assert figures.difference([3.0, 30.0], [1.0, 20.0]) == 6.0


def test_a_target_that_misses_a_round_is_compared_by_the_others() -> None:
    assert _book(ours=[20.0, 30.0], theirs=[10.0]).ratio("ours", "theirs", "requests") == 2.0


def test_an_unknown_column_is_an_error() -> None:
    with pytest.raises(ValueError, match="no 'cpu'"):
        _book(ours=[1.0]).all("ours", "requests", "cpu")


def test_an_open_loop_sends_at_its_rate_whatever_is_answered() -> None:
    schedule = figures.Schedule(200.0, begun=10.0, seconds=1.0)
    assert (schedule.take(9.999), schedule.take(10.0), schedule.take(10.0)) == (0, 1, 0)
    assert schedule.next() == pytest.approx(10.005)
    assert (schedule.take(10.005), schedule.take(10.0124)) == (1, 1)


def test_what_a_late_timer_missed_is_sent_at_its_next_look() -> None:
    schedule = figures.Schedule(200.0, begun=0.0, seconds=1.0)
    assert schedule.take(0.5) == 101
    assert not schedule.over
    assert schedule.take(7.0) == 99
    assert schedule.over


def test_a_stamp_is_read_in_whatever_pieces_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stamps.time, "perf_counter", lambda: 100.0)
    data = b"data: " + stamps.stamp() + b" one\n\ndata: " + stamps.stamp() + b" two\n\n"
    monkeypatch.setattr(stamps.time, "perf_counter", lambda: 100.25)
    for cut in range(len(data)):
        reader = stamps.Reader()
        assert reader.read(data[:cut]) + reader.read(data[cut:]) == [0.25, 0.25]


def test_a_stamp_that_http_cuts_through_still_counts_as_an_event() -> None:
    cut = stamps.stamp()[:5] + b"\r\n20\r\n" + b"00000 one"
    assert [math.isnan(one) for one in stamps.Reader().read(cut)] == [True]


@pytest.mark.parametrize(
    ("reading", "held"),
    [
        (_reading(10.0, rate=5000.0), True),
        (_reading(10.0, rate=4800.0), False),
        (_reading(10.0, rate=5000.0, late=0.01), False),
        (_reading(10.0, rate=5000.0, failures=1), False),
        (_reading(10.0, rate=5000.0, unfinished=1), False),
    ],
    ids=["all", "too few events", "late events", "a broken stream", "one that goes on"],
)
def test_streams_are_held_where_every_event_comes_in_time(reading: Reading, held: bool) -> None:
    assert is_held(reading, streams=100, pace=20) is held


def test_a_rate_that_the_load_limited_is_shown_as_a_lower_bound() -> None:
    book = Book()
    for name, busy in (("direct", 0.5), ("nginx", 0.6), ("havuz", 1.0)):
        for count in (8, 32, 128):
            book.add(name, f"requests@{count}", _reading(25.0, busy=busy))
    lines = tables.requests(book, ["direct", "nginx", "havuz"], "direct").splitlines()
    assert lines[3].startswith("| nginx | ≥ 1,000 |")
    assert lines[4] == "| havuz | 1,000 | 1,000 | 1,000 | 25 | – / – |"


def test_the_share_of_a_part_comes_from_turns_side_by_side() -> None:
    book = _book(metered=[40.0, 50.0], plain=[30.0, 37.5])
    assert tables.share(book, with_it="metered", without="plain") == "11 µs of 45, 25%"


COSTS = sizing.Costs(request=100.0, event=25.0, idle_mib=60.0, stream_kib=30.0, redis=50.0)


@pytest.mark.parametrize(
    ("cpu_each", "tried"),
    [(25.0, [1000, 500, 20]), (40.0, [500, 20]), (2000.0, [20]), (float("nan"), [20]), (0.0, [1000, 500, 20])],
    ids=["with hope for all", "with hope for some", "hopeless", "unknown", "too cheap to see"],
)
def test_no_more_streams_are_tried_than_a_core_may_hold(cpu_each: float, tried: list[int]) -> None:
    assert list(sections.rungs_to_try((1000, 500, 20), pace=20, cpu_each=cpu_each)) == tried


def test_a_plan_adds_up() -> None:
    found = sizing.plan(COSTS, 1_000)
    assert (found.streams, found.pods, found.primaries) == (2_000, 5, 1)  # 2.6 cores at 60 %, 0.05 at 50 %
    assert found.pod_mib == pytest.approx(60 + 400 * 30 / 1024)
    assert sizing.plan(COSTS, 100_000).primaries == 10


def test_no_plan_is_made_of_what_was_not_measured() -> None:
    assert sizing.table(sizing.Costs(float("nan"), 25.0, 60.0, 30.0, 50.0)) == ""
    assert sizing.table(COSTS).count("\n") == 5
