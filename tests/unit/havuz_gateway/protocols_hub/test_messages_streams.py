"""Messages streams that say more than text and calls: content in their start, compactions, what is said at the end."""

import json
from typing import Any

import pytest

from havuz_gateway.protocols.anthropic.codec import CODEC
from havuz_gateway.protocols.anthropic.stream import STREAM
from havuz_gateway.protocols.anthropic.usage import read_usage
from havuz_gateway.protocols.codec import Stamp, StreamReader
from havuz_gateway.protocols.neutral import events as ev
from havuz_gateway.protocols.neutral.content import ProviderContent, ToolCall
from havuz_gateway.protocols.neutral.errors import StreamTruncated
from havuz_gateway.protocols.neutral.finish import Finish
from havuz_gateway.protocols.neutral.fold import fold
from havuz_gateway.protocols.tap import RelayTap
from havuz_gateway.protocols.usage import Usage

RESULT = {"type": "code_execution_tool_result", "tool_use_id": "srvtoolu_1", "content": {"stdout": "ok"}}
CALL = {
    "type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {"id": "c1"},
    "caller": {"type": "code_execution_20250825", "tool_id": "srvtoolu_0"},
}  # fmt: skip
GIVEN = {
    "type": "message", "role": "assistant", "id": "msg_1", "model": "m", "content": [RESULT, CALL],
    "container": {"id": "container_1"}, "stop_reason": "tool_use", "stop_sequence": None,
    "usage": {"input_tokens": 5, "output_tokens": 1},
}  # fmt: skip
STOP = {"type": "message_stop"}


def stream(*frames: dict[str, Any]) -> bytes:
    return b"".join(f"event: {frame['type']}\ndata: {json.dumps(frame)}\n\n".encode() for frame in frames)


def told(*frames: dict[str, Any]) -> list[ev.ChatEvent]:
    reader = StreamReader(CODEC.stream_decoder(), max_event_bytes=100_000)
    return reader.feed(stream(*frames)) + reader.end()


def written(events: list[ev.ChatEvent]) -> list[dict[str, Any]]:
    encoder = CODEC.stream_encoder(Stamp(), True)
    frames = b"".join(encoder.feed(event) for event in events).split(b"\n\n")
    return [json.loads(frame.partition(b"data: ")[2]) for frame in frames if frame]


def start(**members: Any) -> dict[str, Any]:
    return {"type": "message_start", "message": {"id": "msg_1", "model": "m", "usage": {"input_tokens": 5}, **members}}


def compaction(*deltas: dict[str, Any]) -> list[dict[str, Any]]:
    pieces = [{"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas]
    begun = {"type": "content_block_start", "index": 0, "content_block": {"type": "compaction", "content": None}}
    return [begun, *pieces, {"type": "content_block_stop", "index": 0}]


def ended(**members: Any) -> dict[str, Any]:
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    return {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7}, **members}


def test_content_that_a_start_holds_already_is_told() -> None:
    choice = fold(told({"type": "message_start", "message": GIVEN}, STOP)).choices[0]
    assert choice.finish == Finish("tool-calls", "tool_use")
    result, call = choice.content
    assert result == ProviderContent("anthropic", RESULT)
    assert isinstance(call, ToolCall)
    assert (call.id, json.loads(call.arguments)) == ("toolu_1", {"id": "c1"})


def test_it_says_the_same_as_the_whole_message() -> None:
    assert fold(told({"type": "message_start", "message": GIVEN}, STOP)).choices == CODEC.decode_response(GIVEN).choices


def test_a_start_that_says_why_it_ended_is_truncated_without_its_stop() -> None:
    with pytest.raises(StreamTruncated):
        told({"type": "message_start", "message": GIVEN})


def test_content_in_a_start_commits_a_relayed_stream() -> None:
    tap = RelayTap(STREAM, strip_usage=False, max_event_bytes=100_000)
    first = stream({"type": "message_start", "message": GIVEN})
    assert tap.feed(first) == first
    assert (tap.found.committed, tap.found.done, tap.found.finish_reasons) == (True, False, ("tool_use",))
    assert tap.feed(stream(STOP)) == stream(STOP)
    assert tap.found.done


def test_a_start_that_is_said_twice_counts_once() -> None:
    events = told(start(), start(), ended(), STOP)
    assert [type(event) for event in events].count(ev.ResponseStart) == 1


def test_a_compaction_keeps_its_summary_and_its_seals() -> None:
    deltas = {"type": "compaction_delta", "content": "So far.", "encrypted_content": "opaque"}
    events = told(start(), *compaction(deltas), ended(), STOP)
    block = ProviderContent("anthropic", {"type": "compaction", "content": "So far.", "encrypted_content": "opaque"})
    assert fold(events).choices[0].content == (block,)
    assert deltas in [frame.get("delta") for frame in written(events)]


def test_a_compaction_that_failed_stays_null() -> None:
    events = told(start(), *compaction({"type": "compaction_delta", "content": None}), ended(), STOP)
    assert fold(events).choices[0].content == (ProviderContent("anthropic", {"type": "compaction", "content": None}),)


@pytest.mark.parametrize(
    ("pieces", "arguments"),
    [([""], {"url": "a"}), (['{"url"', ':"b"}'], {"url": "b"}), (['{"url"'], {"INVALID_JSON": '{"url"'})],
    ids=["none", "whole", "cut"],
)
def test_a_hosted_call_has_the_arguments_that_came(pieces: list[str], arguments: dict[str, str]) -> None:
    block = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_fetch", "input": {"url": "a"}}
    deltas = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": piece}}
        for piece in pieces
    ]
    begun, stopped = {"type": "content_block_start", "index": 0, "content_block": block}, {"type": "content_block_stop"}
    events = told(start(), begun, *deltas, {**stopped, "index": 0}, ended(), STOP)
    assert fold(events).choices[0].content == (ProviderContent("anthropic", {**block, "input": arguments}),)


def test_what_stands_beside_the_last_usage_is_kept() -> None:
    edits = {"applied_edits": [{"type": "clear_thinking_20251015", "cleared_thinking_turns": 2}]}
    events = told(start(), ended(context_management=edits), STOP)
    assert written(events)[-2]["context_management"] == edits
    assert fold(events).extensions["anthropic"]["context_management"] == edits


def test_what_a_compaction_took_is_counted() -> None:
    iterations = [
        {"type": "compaction", "input_tokens": 100, "output_tokens": 20, "cache_read_input_tokens": 30},
        {"type": "message", "input_tokens": 5, "output_tokens": 7},
    ]
    usage = read_usage({"input_tokens": 5, "output_tokens": 7, "iterations": iterations})
    assert usage == Usage(input=135, output=27, cache_read=30)
