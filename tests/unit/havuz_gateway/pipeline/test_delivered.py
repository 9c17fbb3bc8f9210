"""How much of a stream went out is counted alike however its lines end."""

import pytest

from havuz_gateway.pipeline.context import Delivered


@pytest.mark.parametrize("line", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_events_and_the_size_of_the_first_are_counted(line: str) -> None:
    delivered = Delivered()
    delivered.count(f"data: {{}}{line}{line}data: x{line}{line}".encode())
    delivered.count(f"data: y{line}{line}".encode())
    assert delivered.events == 3
    assert delivered.envelope == len(f"data: {{}}{line}{line}")


def test_a_first_event_that_says_much_is_not_taken_for_an_empty_one() -> None:
    delivered = Delivered(most_envelope=20)
    delivered.count(b"data: " + b"x" * 100 + b"\n\n")
    assert delivered.envelope == 20
    small = Delivered(most_envelope=20)
    small.count(b"data: x\n\n")
    assert small.envelope == len(b"data: x\n\n")
