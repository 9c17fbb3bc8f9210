"""Function calls whose arguments Gemini streams in pieces."""

import json
from typing import Any

import pytest

from havuz_gateway.protocols.codec import Stamp, StreamReader
from havuz_gateway.protocols.gemini.codec import CODEC
from havuz_gateway.protocols.neutral import events as ev
from havuz_gateway.protocols.neutral.content import ToolCall
from havuz_gateway.protocols.neutral.errors import AnswerUnreadable
from havuz_gateway.protocols.neutral.fold import fold
from havuz_gateway.protocols.openai_chat.codec import CODEC as OPENAI_CHAT


def chunk(call: dict[str, Any] | None, finish: str | None = None, **members: Any) -> dict[str, Any]:
    part = {"text": ""} if call is None else {"functionCall": call, **members}
    candidate = {"content": {"role": "model", "parts": [part]}, **({"finishReason": finish} if finish else {})}
    return {"candidates": [candidate], "responseId": "r1", "modelVersion": "m"}


def value(path: str, *, more: bool = True, **told: Any) -> dict[str, Any]:
    return chunk({"partialArgs": [{"jsonPath": path, **told}], **({"willContinue": True} if more else {})})


def told(*frames: dict[str, Any]) -> list[ev.ChatEvent]:
    reader = StreamReader(CODEC.stream_decoder(), max_event_bytes=100_000)
    return reader.feed("".join(f"data: {json.dumps(frame)}\r\n\r\n" for frame in frames).encode()) + reader.end()


def calls(events: list[ev.ChatEvent]) -> list[tuple[str, Any, str | None]]:
    parts = fold(events).choices[0].content
    return [(part.name, json.loads(part.arguments), part.signature) for part in parts if isinstance(part, ToolCall)]


TWO = (
    chunk({"name": "weather", "willContinue": True}, thoughtSignature="c2ln"),
    value("$.place", stringValue="Bos", willContinue=True),
    value("$.place", stringValue="ton"),
    chunk({}),
    chunk({"name": "weather", "willContinue": True}),
    value("$.place", stringValue="Rome"),
    chunk({}, "STOP"),
)


def test_pieces_of_a_string_are_one_and_the_next_name_is_the_next_call() -> None:
    assert calls(told(*TWO)) == [("weather", {"place": "Boston"}, "c2ln"), ("weather", {"place": "Rome"}, None)]


def test_values_find_their_place_in_lists_and_objects() -> None:
    frames = (
        chunk({"name": "write", "willContinue": True}),
        value("$.items[0].name", stringValue="apple"),
        value("$.items[0].price", numberValue=0.5),
        value("$.items[1].name", stringValue="banana"),
        value("$.items[1]['in stock']", boolValue=False),
        value("$.note", more=False, nullValue="NULL_VALUE"),
    )
    items = [{"name": "apple", "price": 0.5}, {"name": "banana", "in stock": False}]
    assert calls(told(*frames, chunk(None, "STOP"))) == [("write", {"items": items, "note": None}, None)]


def test_a_call_whose_last_piece_never_comes_ends_with_the_stream() -> None:
    frames = (chunk({"name": "now", "willContinue": True}), chunk(None, "STOP"))
    assert calls(told(*frames)) == [("now", {}, None)]
    assert [type(event) for event in told(*frames)].count(ev.ToolInputEnd) == 1


def test_the_call_is_told_to_clients_of_every_protocol() -> None:
    for codec in (CODEC, OPENAI_CHAT):
        encoder, reader = (
            codec.stream_encoder(Stamp(), True),
            StreamReader(codec.stream_decoder(), max_event_bytes=10_000),
        )
        again = [read for event in told(*TWO) for read in reader.feed(encoder.feed(event))] + reader.end()
        assert [arguments for _, arguments, _ in calls(again)] == [{"place": "Boston"}, {"place": "Rome"}]


@pytest.mark.parametrize("path", ["place", "$", "$.", "$.items[7]", "$.place.name", "$[0]", "$.items[9999999]"])
def test_a_path_that_leads_nowhere_is_refused(path: str) -> None:
    begun = (chunk({"name": "write", "willContinue": True}), value("$.place", stringValue="x"))
    with pytest.raises(AnswerUnreadable):
        told(*begun, value(path, stringValue="y"), chunk({}, "STOP"))
