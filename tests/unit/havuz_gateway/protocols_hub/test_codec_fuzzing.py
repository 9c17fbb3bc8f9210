"""Whatever a client or a provider sends, codecs answer with their own errors and nothing else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from havuz_gateway.errors import InvalidRequest
from havuz_gateway.protocols.anthropic.codec import CODEC as ANTHROPIC
from havuz_gateway.protocols.codec import Codec, Encoded, Quirks, Stamp, StreamReader
from havuz_gateway.protocols.gemini.codec import CODEC as GEMINI
from havuz_gateway.protocols.neutral.errors import AnswerUnreadable
from havuz_gateway.protocols.openai_chat.codec import CODEC as OPENAI_CHAT
from havuz_gateway.protocols.openai_responses.codec import CODEC as OPENAI_RESPONSES

_T = TypeVar("_T")
_E = TypeVar("_E", bound=Exception)
CASES = Path(__file__).parents[3] / "golden" / "protocols"
CODECS = (OPENAI_CHAT, OPENAI_RESPONSES, ANTHROPIC, GEMINI)
RELAXED = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
JUNK: list[Any] = [
    None, True, 0, -1, 1.5, 10**400, "", "x", "text", "function", "base64", [], [[]], [None], ["x"], {}, {"type": "x"},
    {"type": "text"}, {"type": None}, [{"type": "tool_use"}], "\ud800",
]  # fmt: skip
each_codec = pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.protocol)


def bodies(codec: Codec, kind: str) -> list[Any]:
    return [json.loads(path.read_text()) for path in sorted((CASES / codec.protocol).glob(f"*.{kind}.json"))]


def spoiled(data: st.DataObject, value: Any) -> Any:
    """The same JSON with one thing in it replaced by junk, or gone."""
    if isinstance(value, dict) and value and data.draw(st.integers(0, 5)):
        name = data.draw(st.sampled_from(sorted(value)))
        rest = {key: inner for key, inner in value.items() if key != name}
        return rest if not data.draw(st.integers(0, 5)) else {**rest, name: spoiled(data, value[name])}
    if isinstance(value, list) and value and data.draw(st.integers(0, 5)):
        place = data.draw(st.integers(0, len(value) - 1))
        return [*value[:place], spoiled(data, value[place]), *value[place + 1 :]]
    return data.draw(st.sampled_from(JUNK))


def attempted(work: Callable[[], _T], expected: type[_E]) -> _T | _E:
    """What the work gave, or the error it ended with; any other exception fails the test by itself."""
    try:
        return work()
    except expected as error:
        return error


@each_codec
@RELAXED
@given(data=st.data())
def test_a_spoiled_request_is_taken_or_refused_by_name(codec: Codec, data: st.DataObject) -> None:
    body = spoiled(data, spoiled(data, data.draw(st.sampled_from(bodies(codec, "request")))))
    if not isinstance(body, dict):
        body = {"messages": body, "model": "m"}
    request = attempted(lambda: codec.decode_request(body), InvalidRequest)
    if isinstance(request, InvalidRequest):
        assert request.param
        return
    for other in CODECS:
        encoded = attempted(lambda other=other: other.encode_request(request, Quirks()), InvalidRequest)  # type: ignore[misc]
        assert json.dumps(encoded.body) if isinstance(encoded, Encoded) else encoded.param


@each_codec
@RELAXED
@given(data=st.data())
def test_a_spoiled_answer_is_taken_or_called_unreadable(codec: Codec, data: st.DataObject) -> None:
    body = spoiled(data, spoiled(data, data.draw(st.sampled_from(bodies(codec, "response")))))
    response = attempted(lambda: codec.decode_response(body if isinstance(body, dict) else {}), AnswerUnreadable)
    if isinstance(response, AnswerUnreadable):
        return
    for other in CODECS:
        encoded = attempted(lambda other=other: other.encode_response(response, Stamp()), AnswerUnreadable)  # type: ignore[misc]
        assert isinstance(encoded, AnswerUnreadable) or json.dumps(encoded.body)


@each_codec
@RELAXED
@given(data=st.data())
def test_a_spoiled_stream_is_told_or_called_unreadable(codec: Codec, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted((CASES / codec.protocol).glob("*.stream.chunks"))))
    frames = path.read_text().split("\n\n")[:-1]
    place = data.draw(st.integers(0, len(frames) - 1))
    payload = frames[place].rpartition("data: ")[2]
    frame = spoiled(data, json.loads(payload)) if payload.startswith("{") else data.draw(st.sampled_from(JUNK))
    frames[place] = f"data: {json.dumps(frame)}"
    reader = StreamReader(codec.stream_decoder(), max_event_bytes=10**6)
    stream = "".join(f"{frame}\n\n" for frame in frames).encode()
    events = attempted(lambda: reader.feed(stream) + reader.end(), AnswerUnreadable)
    if isinstance(events, AnswerUnreadable):
        return
    for other in CODECS:
        encoder = other.stream_encoder(Stamp(), True)
        assert b"".join(encoder.feed(event) for event in events)


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.protocol)
@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'"x"', b"<html><b>502</b></html>", b"\xff", b'{"error":5}'])
def test_any_error_body_is_read(codec: Codec, body: bytes) -> None:
    error = codec.decode_error(body)
    assert len(error.message) <= 1_000
    assert "<" not in error.message
