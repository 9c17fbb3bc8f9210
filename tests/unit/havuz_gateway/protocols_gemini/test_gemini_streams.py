"""Gemini's streams: what ends them, what cuts them into blocks, and both framings."""

import json
from typing import Any

import pytest

from havuz_gateway.protocols.codec import Stamp, StreamReader
from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.protocols.gemini.codec import CODEC
from havuz_gateway.protocols.neutral import events as ev
from havuz_gateway.protocols.neutral.content import Audio, Base64Source, Image, Part, Text, Thinking, ToolCall
from havuz_gateway.protocols.neutral.errors import AnswerUnreadable, StreamTruncated
from havuz_gateway.protocols.neutral.finish import Finish
from havuz_gateway.protocols.neutral.fold import fold
from havuz_gateway.protocols.neutral.unfold import unfold


def chunk(*parts: dict[str, Any], finish: str | None = None, **members: Any) -> dict[str, Any]:
    candidate = {"content": {"parts": list(parts), "role": "model"}, **({"finishReason": finish} if finish else {})}
    return {"candidates": [candidate | members.pop("candidate", {})], "responseId": "r1", **members}


def told(*frames: Any) -> list[ev.ChatEvent]:
    reader = StreamReader(CODEC.stream_decoder(), max_event_bytes=100_000)
    return reader.feed("".join(f"data: {json.dumps(frame)}\r\n\r\n" for frame in frames).encode()) + reader.end()


def parts(*frames: Any) -> tuple[Part, ...]:
    return fold(told(*frames)).choices[0].content


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [{"usageMetadata": {"promptTokenCount": 1}}],
        [chunk({"text": "a"})],
        [{"candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"}, {"index": 1}]}],
    ],
)
def test_a_stream_whose_candidates_did_not_all_end_is_truncated(frames: list[Any]) -> None:
    with pytest.raises(StreamTruncated):
        told(*frames)


def test_a_reason_in_every_chunk_ends_nothing_before_the_stream_does() -> None:
    events = told(chunk({"text": "a"}, finish="STOP"), chunk({"text": "b"}, finish="MAX_TOKENS"))
    assert fold(events).choices[0].content == (Text("ab"),)
    assert fold(events).choices[0].finish == Finish("length", "MAX_TOKENS")
    assert [type(event) for event in events[-2:]] == [ev.ChoiceEnd, ev.ResponseEnd]


def test_a_signature_in_an_empty_text_belongs_to_the_text_before_it() -> None:
    frames = chunk({"text": "a"}), chunk({"text": "b"}), chunk({"text": "", "thoughtSignature": "c2ln"}, finish="STOP")
    assert parts(*frames) == (Text("ab", signature="c2ln"),)


def test_what_follows_a_signature_is_another_text() -> None:
    frames = chunk({"text": "a", "thoughtSignature": "c2ln"}), chunk({"text": "b"}, finish="STOP")
    assert parts(*frames) == (Text("a", signature="c2ln"), Text("b"))


def test_a_signature_alone_is_kept() -> None:
    assert parts(chunk({"thoughtSignature": "c2ln"}, finish="STOP")) == (Text("", signature="c2ln"),)


def test_thoughts_texts_and_calls_are_blocks_of_their_own() -> None:
    call = {"functionCall": {"name": "f", "args": {"q": 1}}}
    found = parts(
        chunk({"text": "h", "thought": True}), chunk({"text": "m", "thought": True}, {"text": "a"}),
        chunk(call, call, finish="STOP"),
    )  # fmt: skip
    assert found[:2] == (Thinking("hm"), Text("a"))
    assert [(part.id, part.arguments) for part in found if isinstance(part, ToolCall)] == [
        ("call_r1_0_0", '{"q":1}'), ("call_r1_0_1", '{"q":1}'),
    ]  # fmt: skip


def test_calls_make_a_stop_a_call_for_tools() -> None:
    call = {"functionCall": {"id": "c", "name": "f"}}
    assert fold(told(chunk(call), chunk(finish="STOP"))).choices[0].finish == Finish("tool-calls", "STOP")


def test_a_prompt_that_is_blocked_in_the_midst_ends_what_had_no_end() -> None:
    events = told(chunk({"text": "a"}), {"promptFeedback": {"blockReason": "SAFETY"}})
    assert fold(events).choices[0].finish == Finish("content-filter", "SAFETY")


def test_usage_is_told_when_it_changes_and_the_last_counts() -> None:
    usages = [{"promptTokenCount": 3, "candidatesTokenCount": count} for count in (1, 1, 2)]
    frames = [chunk({"text": "a"}, usageMetadata=usage) for usage in usages]
    events = told(*frames, chunk(finish="STOP"))
    assert [event.usage.output for event in events if isinstance(event, ev.UsageReport)] == [2, 2]
    usage = fold(events).usage
    assert usage is not None
    assert (usage.input, usage.output) == (3, 2)


def test_a_picture_comes_whole() -> None:
    found = parts(chunk({"inlineData": {"mimeType": "image/png", "data": "iVBO"}}, finish="STOP"))
    assert found == (Image(Base64Source("image/png", "iVBO")),)


def test_sources_of_a_text_that_has_ended_are_not_lost() -> None:
    web = {"groundingMetadata": {"groundingChunks": [{"web": {"uri": "https://example.org", "title": "E"}}]}}
    call = {"functionCall": {"id": "c", "name": "f", "args": {}}}
    found = parts(chunk({"text": "a"}), chunk(call), chunk(finish="STOP", candidate=web))
    assert [part.citations[0].url for part in found if isinstance(part, Text) and part.citations] == [
        "https://example.org"
    ]


@pytest.mark.parametrize(
    "frame", [[], {"candidates": {}}, chunk({"functionCall": {"name": 5}}), chunk({"hologram": {}})]
)
def test_a_chunk_that_is_none_is_unreadable(frame: Any) -> None:
    with pytest.raises(AnswerUnreadable):
        told(frame)


def test_nothing_is_told_after_an_error() -> None:
    events = told({"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}, chunk({"text": "a"}))
    assert events == [ev.ResponseError(ProviderError("busy", code=503, status="UNAVAILABLE"))]


def test_blocks_that_interleave_are_told_one_after_the_other() -> None:
    events: list[ev.ChatEvent] = [
        ev.ResponseStart("r", "m"),
        ev.TextStart(0, "a"),
        ev.ToolInputStart(0, "b", "call_b", "y"),
        ev.TextDelta(0, "a", "x"),
        ev.ToolInputDelta(0, "b", '{"b":1}'),
        ev.ToolInputEnd(0, "b"),
        ev.TextEnd(0, "a"),
        ev.ChoiceEnd(0, Finish("tool-calls")),
        ev.ResponseEnd(),
    ]
    encoder = CODEC.stream_encoder(Stamp(), True)
    stream = b"".join(encoder.feed(event) for event in events)
    reader = StreamReader(CODEC.stream_decoder(), max_event_bytes=10_000)
    found = fold(reader.feed(stream) + reader.end()).choices[0].content
    assert found == (Text("x"), ToolCall("call_b", "y", '{"b":1}'))


def test_a_stream_without_a_reason_gets_no_clean_end() -> None:
    encoder = CODEC.stream_encoder(Stamp(), True)
    stream = encoder.feed(ev.ResponseStart("r", "m")) + encoder.feed(ev.ResponseEnd())
    assert b'"error"' in stream


def test_sound_is_told_whole() -> None:
    response = fold(told(chunk({"inlineData": {"mimeType": "audio/L16;rate=24000", "data": "AAAA"}}, finish="STOP")))
    assert response.choices[0].content == (Audio(Base64Source("audio/L16;rate=24000", "AAAA")),)
    encoder = CODEC.stream_encoder(Stamp(), True)
    stream = b"".join(encoder.feed(event) for event in unfold(response))
    reader = StreamReader(CODEC.stream_decoder(), max_event_bytes=10_000)
    assert fold(reader.feed(stream) + reader.end()).choices[0].content == response.choices[0].content
