"""Log lines: one JSON object each, and nothing in them that looks like a key."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import pytest

from havuz_gateway.telemetry import logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root, requests = logging.getLogger(), logging.getLogger("havuz_gateway.requests")
    before = root.handlers[:], root.level, requests.handlers[:], requests.propagate
    yield io.StringIO()
    root.handlers[:], root.level, requests.handlers[:], requests.propagate = before


def _lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_request_is_one_line_with_its_fields(stream: io.StringIO) -> None:
    logs.configure(stream=stream)
    logs.request_ended(
        {"model": 'a"b\n☃', "status": 200, "seconds": 0.25, "stream": True, "verdicts": ["ok"], "error_type": None}
    )
    (line,) = _lines(stream)
    assert str(line.pop("time")).endswith("Z")
    assert line == {
        "level": "info",
        "logger": "havuz_gateway.requests",
        "event": "request",
        "model": 'a"b\n☃',
        "status": 200,
        "seconds": 0.25,
        "stream": True,
        "verdicts": ["ok"],
    }


async def test_lines_of_one_turn_of_the_loop_are_written_together(stream: io.StringIO) -> None:
    logs.configure(stream=stream)
    logs.request_ended({"number": 1})
    logs.request_ended({"number": 2})
    assert stream.getvalue() == ""
    await asyncio.sleep(0)
    assert [line["number"] for line in _lines(stream)] == [1, 2]


def test_above_its_level_nothing_is_written(stream: io.StringIO) -> None:
    logs.configure(level="warning", stream=stream)
    assert not logs.requests_enabled()
    logs.request_ended({"number": 1})
    assert stream.getvalue() == ""


def test_a_reader_that_is_gone_fails_no_request(stream: io.StringIO) -> None:
    logs.configure(stream=stream)
    stream.close()
    logs.request_ended({"number": 1})
    assert stream.closed


def test_other_records_carry_what_they_were_given(stream: io.StringIO) -> None:
    logs.configure(stream=stream)
    logging.getLogger("havuz_gateway.config").warning("no %s", "luck", extra={"revision": 7})
    (line,) = _lines(stream)
    assert (line["event"], line["level"], line["revision"]) == ("no luck", "warning", 7)


@pytest.mark.parametrize(
    "secret",
    [
        "Bearer abc.def-123",
        "sk-proj-abcdefgh12345678",
        "pk_live_0123456789abcdef",
        "AIzaSyA1234567890abcdefghijk",
        "https://h/v1?key=abcdef123456&alt=sse",
    ],
)
def test_what_looks_like_a_key_is_not_written(stream: io.StringIO, secret: str) -> None:
    logs.configure(stream=stream)
    logging.getLogger("havuz_gateway.config").warning("saw %s", secret, extra={"seen": secret})
    hidden = secret.split("?key=")[-1].split("&")[0].split(" ")[-1]
    assert hidden not in stream.getvalue()
    assert "[redacted]" in stream.getvalue()
    assert _lines(stream)


def test_a_person_gets_words(stream: io.StringIO) -> None:
    logs.configure(form="text", stream=stream)
    logs.request_ended({"model": "gpt", "status": 200})
    assert stream.getvalue().endswith(" info request model=gpt status=200\n")
