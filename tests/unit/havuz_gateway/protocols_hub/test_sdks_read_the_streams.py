"""The providers' own SDKs gather from an encoded stream what the hub folds from it."""

from pathlib import Path
from typing import Any

import pytest
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import RawMessageStreamEvent
from openai import omit
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.chat import ChatCompletionChunk
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from havuz_gateway.protocols import sse
from havuz_gateway.protocols.anthropic.codec import CODEC as ANTHROPIC
from havuz_gateway.protocols.codec import Codec, Stamp, StreamReader
from havuz_gateway.protocols.gemini.codec import CODEC as GEMINI
from havuz_gateway.protocols.json_text import load
from havuz_gateway.protocols.neutral.content import RedactedThinking, Text, Thinking, ToolCall
from havuz_gateway.protocols.neutral.fold import fold
from havuz_gateway.protocols.neutral.response import ChatResponse
from havuz_gateway.protocols.openai_chat.codec import CODEC as OPENAI_CHAT
from havuz_gateway.protocols.openai_responses.codec import CODEC as OPENAI_RESPONSES

CODECS = {codec.protocol: codec for codec in (OPENAI_CHAT, OPENAI_RESPONSES, ANTHROPIC, GEMINI)}
BROKEN = ("overloaded", "failed", "blocked")  # the SDKs raise what these tell
STREAMS = [
    path
    for path in sorted((Path(__file__).parents[3] / "golden" / "protocols").glob("*/*.stream.chunks"))
    if not path.name.startswith(BROKEN)
]
each_stream = pytest.mark.parametrize("path", STREAMS, ids=lambda path: f"{path.parent.name}-{path.stem}")
EVENT: TypeAdapter[RawMessageStreamEvent] = TypeAdapter(RawMessageStreamEvent)
RESPONSE_EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def told(path: Path, target: Codec) -> tuple[list[Any], ChatResponse]:
    """The decoded events that a client of `target` is sent, and the answer that they tell."""
    reader = StreamReader(CODECS[path.parent.name].stream_decoder(), max_event_bytes=1_000_000)
    events = reader.feed(path.read_bytes()) + reader.end()
    encoder = target.stream_encoder(Stamp(created=1), True)
    stream = b"".join(encoder.feed(event) for event in events)
    found = [data for event in sse.events(stream) if (data := sse.data_of(event)) not in (None, b"[DONE]")]
    again = StreamReader(target.stream_decoder(), max_event_bytes=1_000_000)
    return [load(data or b"") for data in found], fold(again.feed(stream) + again.end())


def said(response: ChatResponse) -> list[object]:
    """What both gather: text, thinking with its seals, and calls. An empty text says nothing."""
    found: list[object] = []
    for part in response.choices[0].content:
        match part:
            case Text(text):
                found += [text] if text else []
            case ToolCall():
                found.append((part.id, part.name, load(part.arguments), part.signature))
            case Thinking() | RedactedThinking():
                found.append(part)
            case _:
                pass
    return found


@each_stream
def test_anthropics_sdk_gathers_the_same_answer(path: Path) -> None:
    events, folded = told(path, ANTHROPIC)
    message: Any = None
    buffers: dict[int, bytes] = {}
    for event in events:
        if event["type"] != "ping":
            message = accumulate_event(event=EVENT.validate_python(event), current_snapshot=message, json_bufs=buffers)
    body = message.to_dict()
    gathered = ANTHROPIC.decode_response(body)
    assert said(gathered) == said(folded)
    assert gathered.usage == folded.usage
    assert gathered.choices[0].finish == folded.choices[0].finish


@each_stream
def test_openais_sdk_gathers_the_same_answer(path: Path) -> None:
    events, folded = told(path, OPENAI_CHAT)
    state: ChatCompletionStreamState[Any] = ChatCompletionStreamState()
    for event in events:
        state.handle_chunk(ChatCompletionChunk.model_validate(event))
    gathered = OPENAI_CHAT.decode_response(state.current_completion_snapshot.to_dict())
    assert said(gathered) == said(folded)
    assert gathered.usage == folded.usage
    assert gathered.choices[0].finish == folded.choices[0].finish


@each_stream
def test_openais_sdk_gathers_the_same_response(path: Path) -> None:
    events, folded = told(path, OPENAI_RESPONSES)
    state: ResponseStreamState[Any] = ResponseStreamState(input_tools=omit, text_format=omit)
    models = [RESPONSE_EVENT.validate_python(event) for event in events]
    for event in models:
        state.handle_event(event)
    assert [event.sequence_number for event in models] == list(range(len(models)))
    assert models[-1].type in ("response.completed", "response.incomplete")
    gathered = OPENAI_RESPONSES.decode_response(models[-1].response.to_dict())
    assert said(gathered) == said(folded)
    assert gathered.usage == folded.usage
    assert gathered.choices[0].finish == folded.choices[0].finish
    if models[-1].type == "response.completed":
        assert state._completed_response is not None
        assert "".join(part.text for part in folded.choices[0].content if isinstance(part, Text)) == (
            state._completed_response.output_text
        )
