"""Answers that say something newer than this gateway: it stays, it reaches its own protocol, and nothing else breaks.

Anthropic adds event and block types without notice: https://platform.claude.com/docs/en/api/versioning. So do others.
"""

import json
from typing import Any

import pytest

from havuz_gateway.protocols.anthropic.codec import CODEC as ANTHROPIC
from havuz_gateway.protocols.codec import Codec, Stamp, StreamReader
from havuz_gateway.protocols.gemini.codec import CODEC as GEMINI
from havuz_gateway.protocols.neutral import events as ev
from havuz_gateway.protocols.neutral.content import ProviderContent, Text
from havuz_gateway.protocols.neutral.fold import fold
from havuz_gateway.protocols.openai_responses.codec import CODEC as RESPONSES

STAMP = Stamp(created=1)
OUTPUT = [
    {"type": "hologram_call", "id": "h1", "status": "completed", "beam": {"width": 2}},
    {
        "type": "message", "id": "m1", "role": "assistant", "status": "completed",
        "content": [
            {"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []},
            {"type": "output_hologram", "data": "AAAA"},
        ],
    },
]  # fmt: skip
RESPONSE = {"id": "r1", "object": "response", "status": "completed", "model": "m", "created_at": 1, "output": OUTPUT}
MESSAGE = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "hologram_pause",
    "stop_sequence": None, "usage": {"input_tokens": 3, "output_tokens": 2, "hologram_tokens": 1},
    "content": [{"type": "hologram", "beam": 1}, {"type": "text", "text": "Hi", "tone": "calm"}], "beams": [1],
}  # fmt: skip
GENERATED = {
    "candidates": [
        {
            "content": {"role": "model", "parts": [{"hologram": {"beam": 1}}, {"text": "Hi", "tone": "calm"}]},
            "finishReason": "HOLOGRAM_LIMIT", "index": 0,
        }
    ],
    "responseId": "g1", "modelVersion": "m", "beams": [1],
}  # fmt: skip
BEGUN = {"status": "in_progress", "content": []}
ANSWERS = [
    pytest.param(ANTHROPIC, MESSAGE, id="anthropic"),
    pytest.param(GEMINI, GENERATED, id="gemini"),
    pytest.param(RESPONSES, RESPONSE, id="openai_responses"),
]


def told(codec: Codec, *frames: dict[str, Any]) -> list[ev.ChatEvent]:
    reader = StreamReader(codec.stream_decoder(), max_event_bytes=100_000)
    return reader.feed("".join(f"data: {json.dumps(frame)}\n\n" for frame in frames).encode()) + reader.end()


def again(codec: Codec, events: list[ev.ChatEvent]) -> list[ev.ChatEvent]:
    encoder, reader = codec.stream_encoder(STAMP, True), StreamReader(codec.stream_decoder(), max_event_bytes=100_000)
    return [read for event in events for read in reader.feed(encoder.feed(event))] + reader.end()


def said(events: list[ev.ChatEvent]) -> str:
    return "".join(part.text for part in fold(events).choices[0].content if isinstance(part, Text))


@pytest.mark.parametrize(("codec", "answer"), ANSWERS)
def test_an_answer_with_parts_of_unknown_kinds_is_the_same_again(codec: Codec, answer: dict[str, Any]) -> None:
    encoded = codec.encode_response(codec.decode_response(answer), STAMP)
    assert encoded.body == {**encoded.body, **answer}
    assert encoded.dropped == ()


@pytest.mark.parametrize(("codec", "answer"), ANSWERS)
def test_its_text_reaches_clients_of_other_protocols(codec: Codec, answer: dict[str, Any]) -> None:
    for target in (ANTHROPIC, GEMINI, RESPONSES):
        crossed = target.encode_response(codec.decode_response(answer), STAMP)
        parts = target.decode_response(crossed.body).choices[0].content
        assert [part.text for part in parts if isinstance(part, Text) and part.text] == ["Hi"]
        assert (target is codec) is (crossed.dropped == ())


def test_a_messages_stream_with_unknown_blocks_and_deltas_goes_on() -> None:
    events = told(
        ANTHROPIC,
        {"type": "message_start", "message": {"id": "msg_1", "model": "m", "usage": {"input_tokens": 3}}},
        {"type": "hologram_warmup", "beam": 1},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "hologram_use", "id": "h1", "input": {}}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '{"a":1}'}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "tone_delta", "tone": "calm"}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Hi"}},
        {"type": "content_block_stop", "index": 1},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    )
    opaque = ProviderContent("anthropic", {"type": "hologram_use", "id": "h1", "input": {"a": 1}})
    assert fold(events).choices[0].content == (opaque, Text("Hi"))
    assert fold(again(ANTHROPIC, events)) == fold(events)


def test_a_responses_stream_with_an_unknown_content_part_goes_on() -> None:
    message = OUTPUT[1]
    place = {"output_index": 0, "item_id": "m1"}
    events = told(
        RESPONSES,
        {"type": "response.created", "response": {**RESPONSE, "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**message, **BEGUN}},
        {"type": "response.output_text.delta", **place, "content_index": 0, "delta": "Hi"},
        {
            "type": "response.content_part.added", **place, "content_index": 1,
            "part": {"type": "output_hologram", "data": ""},
        },
        {"type": "response.hologram.delta", **place, "content_index": 1, "delta": "AAAA"},
        {"type": "response.output_item.done", "output_index": 0, "item": message},
        {"type": "response.completed", "response": {**RESPONSE, "output": [message]}},
    )  # fmt: skip
    assert said(events) == "Hi"
    assert fold(again(RESPONSES, events)) == fold(events)
    assert fold(events).choices == RESPONSES.decode_response({**RESPONSE, "output": [message]}).choices


def test_a_gemini_stream_with_an_unknown_part_goes_on() -> None:
    events = told(GEMINI, GENERATED)
    assert said(events) == "Hi"
    assert fold(again(GEMINI, events)) == fold(events)


def test_what_other_protocols_cannot_say_is_named_by_what_it_is() -> None:
    for codec, answer, name in ((ANTHROPIC, MESSAGE, "hologram"), (GEMINI, GENERATED, "hologram")):
        assert RESPONSES.encode_response(codec.decode_response(answer), STAMP).dropped == (name,)
