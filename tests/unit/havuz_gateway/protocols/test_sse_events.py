"""Events cut out of bytes by the rules of the standard, by the quick ways as well as by the slow one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from havuz_gateway.protocols import sse

LINES = st.sampled_from(
    [b"data: {}", b'data: {"a":1}', b"data:x", b"data: ", b"data", b"event: ping", b"id: 7", b": hi"]
)
ENDINGS = st.sampled_from([b"\n", b"\r\n", b"\r"])


def by_the_standard(event: bytes) -> bytes | None:
    """https://html.spec.whatwg.org/multipage/server-sent-events.html, for one event."""
    lines = event.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    values = [line.partition(b":")[2].removeprefix(b" ") for line in lines if line.startswith(b"data:")]
    return b"\n".join(values) if values else None


@given(st.lists(LINES, min_size=1, max_size=4), ENDINGS)
def test_the_data_of_an_event_is_what_the_standard_says(lines: list[bytes], ending: bytes) -> None:
    event = ending.join(lines) + ending * 2
    assert sse.data_of(event) == by_the_standard(event)


@given(st.lists(st.lists(LINES, min_size=1, max_size=3), max_size=4), ENDINGS)
def test_the_data_of_a_run_is_that_of_its_events(run: list[list[bytes]], ending: bytes) -> None:
    complete = b"".join(ending.join(lines) + ending * 2 for lines in run)
    assert sse.data_in(complete) == [data for event in sse.events(complete) if (data := sse.data_of(event))]


@pytest.mark.parametrize("event", [b"data: a\rdata: b\n\n", b"event: x\ndata: a\rdata: b\n\n"])
def test_a_lone_carriage_return_ends_a_line(event: bytes) -> None:
    assert sse.data_of(event) == b"a\nb"


def test_line_ends_may_be_mixed() -> None:
    mixed = b"data: a\n\r\ndata: b\r\n\ndata: c\r\n\r\ndata: d\n\n"
    assert sse.split_complete(mixed + b"data: e\n") == (mixed, b"data: e\n")
    assert sse.data_in(mixed) == [b"a", b"b", b"c", b"d"]


def test_a_byte_order_mark_before_the_first_event_is_no_part_of_it() -> None:
    assert sse.data_of(b"\xef\xbb\xbfdata: {}\n\n") == b"{}"
    assert sse.data_of(b"\xef\xbb\xbfevent: x\ndata: {}\n\n") == b"{}"
