"""Streams that real servers send although no document shows them, and streams that are broken."""

import json
from dataclasses import replace
from typing import Any

import pytest

from havuz_gateway.protocols.anthropic.codec import CODEC as ANTHROPIC
from havuz_gateway.protocols.codec import Codec, Stamp, StreamReader
from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.protocols.neutral import events as ev
from havuz_gateway.protocols.neutral.content import ToolCall
from havuz_gateway.protocols.neutral.errors import AnswerUnreadable, StreamTruncated
from havuz_gateway.protocols.neutral.finish import Finish
from havuz_gateway.protocols.neutral.fold import fold
from havuz_gateway.protocols.openai_chat.codec import CODEC as OPENAI_CHAT


def told(codec: Codec, *frames: Any) -> list[ev.ChatEvent]:
    reader = StreamReader(codec.stream_decoder(), max_event_bytes=100_000)
    lines = [frame if isinstance(frame, str) else json.dumps(frame) for frame in frames]
    return reader.feed("".join(f"data: {line}\n\n" for line in lines).encode()) + reader.end()


def chunk(delta: dict[str, Any], finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"id": "c1", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **fields}


def piece(arguments: str = "", **fields: Any) -> dict[str, Any]:
    name = fields.pop("name", None)
    function = {"arguments": arguments, **({"name": name} if name else {})}
    return chunk({"tool_calls": [{**fields, "function": function}]})


def called(events: list[ev.ChatEvent]) -> list[tuple[str, str, str]]:
    parts = fold(events).choices[0].content
    return [(part.id, part.name, part.arguments) for part in parts if isinstance(part, ToolCall)]


STOP = (chunk({}, "tool_calls"), "[DONE]")


def test_parallel_calls_that_share_an_index_are_told_apart_by_id() -> None:
    frames = [piece("{}", index=0, id="a", name="x"), piece('{"q":1}', index=0, id="b", name="y")]
    assert called(told(OPENAI_CHAT, *frames, *STOP)) == [("a", "x", "{}"), ("b", "y", '{"q":1}')]


def test_a_call_that_repeats_its_id_in_every_piece_is_one() -> None:
    frames = [piece('{"q"', index=0, id="a", name="x"), piece(":1}", index=0, id="a", name="x")]
    assert called(told(OPENAI_CHAT, *frames, *STOP)) == [("a", "x", '{"q":1}')]


def test_calls_without_ids_or_indexes_get_ids_of_their_own() -> None:
    frames = [piece("{}", index=0, name="x"), piece("{}", index=1, name="y")]
    assert [call[0] for call in called(told(OPENAI_CHAT, *frames, *STOP))] == ["call_c1_0_0", "call_c1_0_1"]


def test_a_piece_for_a_call_that_is_over_is_an_error_and_no_loss() -> None:
    frames = [piece("{", index=0, id="a", name="x"), piece("{}", index=1, id="b", name="y"), piece("}", index=0)]
    with pytest.raises(AnswerUnreadable, match="not open"):
        told(OPENAI_CHAT, *frames, *STOP)


def test_usage_in_every_chunk_counts_once() -> None:
    usages = [{"prompt_tokens": 5, "completion_tokens": said, "total_tokens": 5 + said} for said in (1, 2)]
    frames = [chunk({"content": "a"}, usage=usages[0]), chunk({"content": "b"}, "stop", usage=usages[1]), "[DONE]"]
    usage = fold(told(OPENAI_CHAT, *frames)).usage
    assert usage is not None
    assert (usage.input, usage.output) == (5, 2)


def test_windows_line_ends_and_comments_are_understood() -> None:
    stream = f": hi\r\n\r\ndata: {json.dumps(chunk({'content': 'a'}, 'stop'))}\r\n\r\ndata: [DONE]\r\n\r\n"
    reader = StreamReader(OPENAI_CHAT.stream_decoder(), max_event_bytes=1_000)
    events = [event for byte in stream.encode() for event in reader.feed(bytes([byte]))] + reader.end()
    assert fold(events).choices[0].finish == Finish("stop", "stop")


@pytest.mark.parametrize("frames", [["[DONE]"], [chunk({"content": "a"}), "[DONE]"], [chunk({}, "stop")], []])
def test_a_chat_stream_without_its_whole_end_is_truncated(frames: list[Any]) -> None:
    with pytest.raises(StreamTruncated):
        told(OPENAI_CHAT, *frames)


def test_the_first_text_behind_a_byte_order_mark_is_not_lost() -> None:
    reader = StreamReader(OPENAI_CHAT.stream_decoder(), max_event_bytes=1_000)
    stream = f"\ufeffdata: {json.dumps(chunk({'content': 'a'}, 'stop'))}\n\ndata: [DONE]\n\n"
    assert ev.TextDelta(0, "text-0", "a") in [
        replace(event, id="text-0") if isinstance(event, ev.TextDelta) else event
        for event in reader.feed(stream.encode())
    ]


START = {"type": "message_start", "message": {"id": "m1", "model": "c", "usage": {"input_tokens": 1}}}
TEXT = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
DELTA = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}


@pytest.mark.parametrize("error", ["boom", {"message": "boom"}], ids=["text", "object"])
def test_an_error_of_a_proxy_ends_a_messages_stream(error: Any) -> None:
    events = told(ANTHROPIC, START, {"error": error}, DELTA, {"type": "message_stop"})
    assert events[-1] == ev.ResponseError(ProviderError("boom"))


@pytest.mark.parametrize(
    "frames", [[], [START], [START, {"type": "message_stop"}], [START, TEXT, DELTA, {"type": "message_stop"}]]
)
def test_a_messages_stream_without_its_whole_end_is_truncated(frames: list[Any]) -> None:
    with pytest.raises(StreamTruncated):
        told(ANTHROPIC, *frames)


@pytest.mark.parametrize(
    "frame",
    [
        TEXT,  # before the message starts
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x"}},
    ],
)
def test_an_event_before_the_start_is_unreadable(frame: dict[str, Any]) -> None:
    with pytest.raises(AnswerUnreadable):
        told(ANTHROPIC, frame)


@pytest.mark.parametrize(
    "frame",
    [
        START,
        {"type": "content_block_start", "index": 1, "content_block": {"type": "hologram"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "smell_delta", "smell": "x"}},
        {"type": "content_block_delta", "index": 7, "delta": {"type": "text_delta", "text": "x"}},
    ],
)
def test_what_is_out_of_order_or_unknown_is_unreadable(frame: dict[str, Any]) -> None:
    with pytest.raises(AnswerUnreadable):
        told(ANTHROPIC, START, TEXT, frame)


def test_arguments_that_come_whole_with_the_start_are_not_lost() -> None:
    block = {"type": "tool_use", "id": "t1", "name": "x", "input": {"q": 1}}
    start, stop = {"type": "content_block_start", "index": 0, "content_block": block}, {"index": 0}
    frames = [START, start, {"type": "content_block_stop", **stop}, DELTA, {"type": "message_stop"}]
    assert called(told(ANTHROPIC, *frames)) == [("t1", "x", '{"q":1}')]


def test_blocks_that_interleave_are_told_to_anthropics_clients_one_after_the_other() -> None:
    encoder = ANTHROPIC.stream_encoder(Stamp(), True)
    events: list[ev.ChatEvent] = [
        ev.ResponseStart("r", "m"),
        ev.ToolInputStart(0, "a", "call_a", "x"),
        ev.ToolInputStart(0, "b", "call_b", "y"),
        ev.ToolInputDelta(0, "b", '{"b":'),
        ev.ToolInputDelta(0, "a", "{}"),
        ev.ToolInputDelta(0, "b", "1}"),
        ev.ToolInputEnd(0, "b"),
        ev.ToolInputEnd(0, "a"),
        ev.ChoiceEnd(0, Finish("tool-calls")),
        ev.ResponseEnd(),
    ]
    stream = b"".join(encoder.feed(event) for event in events)
    reader = StreamReader(ANTHROPIC.stream_decoder(), max_event_bytes=10_000)
    assert called(reader.feed(stream) + reader.end()) == [("call_a", "x", "{}"), ("call_b", "y", '{"b":1}')]


@pytest.mark.parametrize("codec", [OPENAI_CHAT, ANTHROPIC], ids=lambda codec: codec.protocol)
def test_a_stream_that_failed_says_so_once_and_then_nothing(codec: Codec) -> None:
    encoder = codec.stream_encoder(Stamp(), True)
    encoder.feed(ev.ResponseStart("r", "m"))
    broken = encoder.fail(ProviderError("the upstream broke off", type="overloaded_error"))
    assert b"the upstream broke off" in broken
    after = encoder.feed(ev.ChoiceEnd(0, Finish("stop"))) + encoder.feed(ev.ResponseEnd())
    assert after + encoder.fail(ProviderError("again")) == b""


@pytest.mark.parametrize("codec", [OPENAI_CHAT, ANTHROPIC], ids=lambda codec: codec.protocol)
def test_an_answer_that_ended_in_an_error_is_no_success(codec: Codec) -> None:
    encoder = codec.stream_encoder(Stamp(), True)
    events: list[ev.ChatEvent] = [
        ev.ResponseStart("r", "m"),
        ev.ChoiceEnd(0, Finish("error", "MALFORMED_FUNCTION_CALL")),
        ev.ResponseEnd(),
    ]
    stream = b"".join(encoder.feed(event) for event in events)
    assert b"MALFORMED_FUNCTION_CALL" in stream
    assert b"[DONE]" not in stream
    assert b"message_stop" not in stream
