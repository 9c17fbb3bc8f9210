"""Google's two forms of a stream: events with `alt=sse`, else one JSON array."""

import json

import pytest

from havuz_gateway.errors import InvalidRequest
from havuz_gateway.pipeline.exchange import Request
from havuz_gateway.protocols import sse
from havuz_gateway.surfaces.gemini.framing import ArrayFraming, EventFraming, framing


def asked(path: str, **query: str) -> Request:
    return Request("req_1", "POST", path, "", {}, {name: (value,) for name, value in query.items()}, b"")


def framed(*written: bytes, whole: bool = True) -> bytes:
    array = ArrayFraming()
    return b"".join(map(array.feed, written)) + (array.end() if whole else b"")


def test_each_event_is_an_item_and_comments_are_white_space() -> None:
    told = framed(b": keepalive\n\n", b'data: {"a":1}\r\n\r\ndata: {"a":2}\n\n', b": x\n\n", b'data: {"a":3}\n\n')
    assert json.loads(told) == [{"a": 1}, {"a": 2}, {"a": 3}]
    assert told.startswith(b"\n[")


def test_a_stream_of_nothing_is_an_empty_array() -> None:
    assert json.loads(framed()) == []
    assert json.loads(framed(b": keepalive\n\n")) == []


def test_events_stay_as_they_are_without_comments_that_googles_sdk_can_not_read() -> None:
    events = EventFraming()
    assert events.feed(b'data: {"a":1}\r\n\r\n: x\n\n') == b'data: {"a":1}\r\n\r\n: x\n\n'
    assert events.feed(sse.COMMENT_KEEPALIVE) + events.end() == b"\n"


def test_an_array_that_is_cut_off_is_no_json() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(framed(b'data: {"a":1}\n\n', whole=False))


@pytest.mark.parametrize("query", [{}, {"alt": "json"}], ids=["no alt", "json"])
def test_only_streams_are_arrays(query: dict[str, str]) -> None:
    assert isinstance(framing(asked("/v1beta/models/m:streamGenerateContent", **query)), ArrayFraming)
    assert isinstance(framing(asked("/v1beta/models/m:streamGenerateContent", alt="sse")), EventFraming)
    assert framing(asked("/v1beta/models/m:generateContent", **query)) is None


def test_another_form_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="'proto'"):
        framing(asked("/v1beta/models/m:streamGenerateContent", alt="proto"))
