"""Conversions, case by case: `protocols/<from>/<case>.<kind>.json`, or `.chunks` for a stream, as the provider says it.

Beside each stands what becomes of it in the other protocols, `<case>.<kind>.to_<protocol>.json`. Whatever is written
must also please the provider's own SDK (Google's has a test of its own).
"""

import json
from pathlib import Path
from typing import Any

import pytest
from anthropic.types import Message as AnthropicMessage
from anthropic.types import RawMessageStreamEvent
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from openai.types.responses import Response, ResponseStreamEvent
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from pydantic import TypeAdapter

from havuz_gateway.errors import InvalidRequest
from havuz_gateway.protocols import sse
from havuz_gateway.protocols.anthropic.codec import CODEC as ANTHROPIC
from havuz_gateway.protocols.codec import Codec, Quirks, Stamp, StreamReader
from havuz_gateway.protocols.gemini.codec import CODEC as GEMINI
from havuz_gateway.protocols.neutral.errors import AnswerFailed
from havuz_gateway.protocols.neutral.events import ChatEvent, ResponseError
from havuz_gateway.protocols.neutral.fold import fold
from havuz_gateway.protocols.openai_chat.codec import CODEC as OPENAI_CHAT
from havuz_gateway.protocols.openai_responses.codec import CODEC as OPENAI_RESPONSES

CODECS = {codec.protocol: codec for codec in (OPENAI_CHAT, OPENAI_RESPONSES, ANTHROPIC, GEMINI)}
FOLDER = Path(__file__).parent / "protocols"
STAMP = Stamp(created=1_763_700_000)
REQUESTS: dict[str, Any] = {
    "openai_chat": CompletionCreateParamsNonStreaming,
    "anthropic": MessageCreateParamsNonStreaming,
    "openai_responses": ResponseCreateParamsNonStreaming,
}
ANSWERS: dict[str, Any] = {
    "openai_chat": ChatCompletion,
    "anthropic": AnthropicMessage,
    "openai_responses": Response,
}
EVENTS: dict[str, Any] = {
    "openai_chat": TypeAdapter(ChatCompletionChunk),
    "anthropic": TypeAdapter(RawMessageStreamEvent),
    "openai_responses": TypeAdapter(ResponseStreamEvent),
}


def cases(kind: str) -> pytest.MarkDecorator:
    paths = sorted(path for path in FOLDER.glob(f"*/*.{kind}") if ".to_" not in path.name)
    crossings = [(path, target) for path in paths for target in CODECS.values() if target.protocol != path.parent.name]
    return pytest.mark.parametrize(
        ("path", "target"),
        crossings,
        ids=[f"{path.parent.name}-{path.name.partition('.')[0]}-to-{target.protocol}" for path, target in crossings],
    )


def check(path: Path, target: Codec, found: Any, *, update: bool) -> None:
    golden = path.with_name(f"{path.name.removesuffix('.json').removesuffix('.chunks')}.to_{target.protocol}.json")
    if update:
        golden.write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n")
    assert found == json.loads(golden.read_text())


def events_of(codec: Codec, stream: bytes) -> list[ChatEvent]:
    reader = StreamReader(codec.stream_decoder(), max_event_bytes=1_000_000)
    return reader.feed(stream) + reader.end()


def written(codec: Codec, events: list[ChatEvent]) -> tuple[bytes, tuple[str, ...]]:
    encoder = codec.stream_encoder(STAMP, True)
    return b"".join(encoder.feed(event) for event in events), encoder.dropped()


@cases("request.json")
def test_a_request_crosses_as_the_case_says(path: Path, target: Codec, update_golden: bool) -> None:
    source, body = CODECS[path.parent.name], json.loads(path.read_text())
    request = source.decode_request(body)
    own = source.encode_request(request, Quirks())
    assert own.body == body
    assert own.dropped == ()
    try:
        crossed = target.encode_request(request, Quirks())
    except InvalidRequest as refused:
        found: dict[str, Any] = {"refused": refused.param}
    else:
        found = {"body": crossed.body, "dropped": list(crossed.dropped)}
        if target.protocol in REQUESTS:
            TypeAdapter(REQUESTS[target.protocol]).validate_python({**crossed.body, "stream": False})
    check(path, target, found, update=update_golden)


@cases("response.json")
def test_an_answer_crosses_as_the_case_says(path: Path, target: Codec, update_golden: bool) -> None:
    source, body = CODECS[path.parent.name], json.loads(path.read_text())
    response = source.decode_response(body)
    assert source.encode_response(response, STAMP).body == body
    crossed = target.encode_response(response, STAMP)
    if target.protocol in ANSWERS:
        ANSWERS[target.protocol].model_validate(crossed.body, strict=True)
    check(path, target, {"body": crossed.body, "dropped": list(crossed.dropped)}, update=update_golden)


@cases("stream.chunks")
def test_a_stream_crosses_as_the_case_says(path: Path, target: Codec, update_golden: bool) -> None:
    source = CODECS[path.parent.name]
    events = events_of(source, path.read_bytes())
    stream, dropped = written(target, events)
    found = [json.loads(data) for event in sse.events(stream) if (data := sse.data_of(event)) not in (None, b"[DONE]")]
    for event in found:
        if target.protocol in EVENTS and "error" not in event and event.get("type") != "ping":
            EVENTS[target.protocol].validate_python(event)
    check(path, target, {"events": found, "dropped": list(dropped)}, update=update_golden)
    if any(isinstance(event, ResponseError) for event in events):
        with pytest.raises(AnswerFailed):
            fold(events_of(target, stream))
        return
    again, _ = written(source, events)
    assert fold(events_of(source, again)) == fold(events)
