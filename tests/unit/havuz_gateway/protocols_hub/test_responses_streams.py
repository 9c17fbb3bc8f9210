"""Streams of Responses: what providers leave out, how they break, and what is written for clients."""

import json
from pathlib import Path
from typing import Any

import pytest

from havuz_gateway.protocols import sse
from havuz_gateway.protocols.codec import Codec, Stamp, StreamReader
from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.protocols.neutral import events as ev
from havuz_gateway.protocols.neutral.content import ProviderContent, Text, Thinking, ToolCall
from havuz_gateway.protocols.neutral.errors import AnswerFailed, AnswerUnreadable, StreamTruncated
from havuz_gateway.protocols.neutral.finish import Finish
from havuz_gateway.protocols.neutral.fold import fold
from havuz_gateway.protocols.neutral.response import ChatResponse, Choice
from havuz_gateway.protocols.neutral.unfold import unfold
from havuz_gateway.protocols.openai_responses.codec import CODEC, OPEN_RESPONSES
from havuz_gateway.protocols.usage import Usage

FOLDER = Path(__file__).parents[3] / "golden" / "protocols" / "openai_responses"
WHOLE = sorted(path for path in FOLDER.glob("*.stream.chunks") if not path.name.startswith("failed"))
BEGIN = {"type": "response.created", "response": {"id": "resp_1", "object": "response", "created_at": 1, "model": "m",
         "status": "in_progress", "output": []}}  # fmt: skip
MESSAGE = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
SAID = {**MESSAGE, "content": [{"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []}]}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": '{"a":1}'}


def ended(*output: dict[str, Any], status: str = "completed", **members: Any) -> dict[str, Any]:
    response = {**BEGIN["response"], "status": status, "output": list(output), **members}  # type: ignore[dict-item]
    return {"type": f"response.{status}", "response": response}


def read(*events: dict[str, Any] | str) -> list[ev.ChatEvent]:
    texts = [event if isinstance(event, str) else json.dumps(event) for event in events]
    reader = StreamReader(CODEC.stream_decoder(), max_event_bytes=1_000_000)
    return reader.feed("".join(f"data: {text}\n\n" for text in texts).encode()) + reader.end()


def parts(*events: dict[str, Any] | str) -> tuple[Any, ...]:
    return fold(read(*events)).choices[0].content


def written(codec: Codec, response: ChatResponse, stamp: Stamp | None = None) -> list[dict[str, Any]]:
    encoder = codec.stream_encoder(stamp or Stamp(), True)
    stream = b"".join(encoder.feed(event) for event in unfold(response))
    return [{"done": True} if data == b"[DONE]" else json.loads(data) for data in datas(stream)]


def datas(stream: bytes) -> list[bytes]:
    return [data for event in sse.events(stream) if (data := sse.data_of(event)) is not None]


def answer(*content: Any) -> ChatResponse:
    return ChatResponse("resp_1", "m", (Choice(content, Finish("stop")),), usage=Usage(1, 2), created=5)


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.name.partition(".")[0])
def test_a_stream_folds_to_the_response_in_its_last_event(path: Path) -> None:
    reader = StreamReader(CODEC.stream_decoder(), max_event_bytes=1_000_000)
    events = reader.feed(path.read_bytes()) + reader.end()
    last = json.loads([data for data in datas(path.read_bytes()) if data != b"[DONE]"][-1])
    assert fold(events) == CODEC.decode_response(last["response"])


def test_items_that_no_event_told_are_read_from_the_end() -> None:
    assert parts(BEGIN, ended(SAID, CALL)) == CODEC.decode_response(ended(SAID, CALL)["response"]).choices[0].content


def test_an_item_that_comes_whole_is_told_whole() -> None:
    done = {"type": "response.output_item.done", "output_index": 0, "item": CALL}
    found = parts(BEGIN, done, ended(CALL))
    assert [(part.id, part.arguments) for part in found] == [("call_1", '{"a":1}')]


def test_text_without_the_event_that_begins_its_part_is_text() -> None:
    added = {"type": "response.output_item.added", "output_index": 0, "item": {**MESSAGE, "content": []}}
    delta = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "H"}
    done = {"type": "response.output_item.done", "output_index": 0, "item": SAID}
    assert [part.text for part in parts(BEGIN, added, delta, done, ended(SAID))] == ["Hi"]


def test_what_a_cut_answer_left_open_is_closed() -> None:
    added = {"type": "response.output_item.added", "output_index": 0, "item": {**CALL, "arguments": ""}}
    delta = {"type": "response.function_call_arguments.delta", "output_index": 0, "item_id": "fc_1", "delta": "{"}
    end = ended(status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    response = fold(read(BEGIN, added, delta, end))
    assert [part.arguments for part in response.choices[0].content if isinstance(part, ToolCall)] == ["{"]
    assert response.choices[0].finish == Finish("length", "max_output_tokens")


def test_reasoning_may_tell_its_text_and_a_summary() -> None:
    item = {"type": "reasoning", "id": "rs_1", "encrypted_content": "s", "content": [
        {"type": "reasoning_text", "text": "all"}], "summary": [{"type": "summary_text", "text": "short"}]}  # fmt: skip
    place = {"output_index": 0, "item_id": "rs_1"}
    found = parts(
        BEGIN,
        {"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning", "id": "rs_1"}},
        {"type": "response.reasoning_text.delta", **place, "content_index": 0, "delta": "all"},
        {"type": "response.reasoning_summary_text.delta", **place, "summary_index": 0, "delta": "short"},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        ended(item),
    )
    assert [(part.text, part.summary, part.signature) for part in found] == [("all", False, None), ("short", True, "s")]
    assert found == CODEC.decode_response(ended(item)["response"]).choices[0].content
    again = CODEC.encode_response(CODEC.decode_response(ended(item)["response"]), Stamp()).body
    assert again["output"] == [item]


def test_absurd_indexes_cost_nothing() -> None:
    added = {"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning", "id": "rs_1"}}
    delta = {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 10**12, "delta": "a"}
    assert [part.text for part in parts(BEGIN, added, delta, ended())] == ["a"]


def test_events_of_unknown_types_say_nothing_and_their_items_are_kept() -> None:
    item = {"type": "dream_call", "id": "dr_1", "dream": "deep"}
    found = parts(
        BEGIN,
        {"type": "response.output_item.added", "output_index": 0, "item": {"type": "dream_call", "id": "dr_1"}},
        {"type": "response.dream_call.dreaming", "output_index": 0, "item_id": "dr_1"},
        {"type": "keepalive", "sequence_number": 3},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        ended(item),
    )
    assert found == (ProviderContent("openai_responses", item),)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", "code": "rate_limit_exceeded", "message": "Slow down", "param": None},
        {"type": "error", "error": {"type": "requests", "code": "rate_limit_exceeded", "message": "Slow down"}},
        ended(status="failed", error={"code": "rate_limit_exceeded", "message": "Slow down"}),
    ],
    ids=["flat", "nested", "failed"],
)
def test_an_error_ends_the_stream(event: dict[str, Any]) -> None:
    with pytest.raises(AnswerFailed) as failed:
        fold(read(BEGIN, event, ended(SAID)))
    assert (failed.value.error.code, failed.value.error.message) == ("rate_limit_exceeded", "Slow down")


@pytest.mark.parametrize("last", ["[DONE]", json.dumps({"type": "response.output_item.added", "item": MESSAGE})])
def test_only_the_response_itself_ends_the_stream(last: str) -> None:
    with pytest.raises(StreamTruncated):
        read(BEGIN, last)


@pytest.mark.parametrize(
    "events",
    [
        [{"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "x"}],
        [BEGIN, {"type": "response.output_text.delta", "output_index": 3, "item_id": "msg_9", "delta": "x"}],
        [BEGIN, {"type": "response.completed", "response": {**BEGIN["response"]}}],  # type: ignore[dict-item]
        ["7"],
    ],
    ids=["before the beginning", "to no item", "an end that is none", "no object"],
)
def test_what_is_out_of_order_is_refused(events: list[Any]) -> None:
    with pytest.raises(AnswerUnreadable):
        read(*events)


def test_open_responses_ends_with_done_and_calls_reasoning_by_its_short_name() -> None:
    plain, dialect = (written(codec, answer(Thinking("hm"), Text("Hi"))) for codec in (CODEC, OPEN_RESPONSES))
    assert plain[-1]["type"] == "response.completed"
    assert dialect[-1] == {"done": True}
    assert [event["type"] for event in plain if "reasoning" in event["type"]] == [
        "response.reasoning_text.delta", "response.reasoning_text.done"
    ]  # fmt: skip
    assert [event["type"] for event in dialect[:-1] if "reasoning" in event["type"]] == [
        "response.reasoning.delta", "response.reasoning.done"
    ]  # fmt: skip
    assert dialect[-2]["response"]["service_tier"] == "default"


@pytest.mark.parametrize("codec", [CODEC, OPEN_RESPONSES], ids=["openai", "open"])
def test_a_stream_that_breaks_ends_with_an_error_and_a_failed_response(codec: Codec) -> None:
    encoder = codec.stream_encoder(Stamp(), True)
    events = list(unfold(answer(Text("Hi"))))
    stream = b"".join(encoder.feed(event) for event in events[:3])
    stream += encoder.fail(ProviderError("gone", type="server_error")) + encoder.feed(ev.ResponseEnd())
    *_, error, failed = (json.loads(data) for data in datas(stream))
    assert (error["type"], error["error"]["message"]) == ("error", "gone")
    assert ("message" in error) == (codec is CODEC)
    assert (failed["type"], failed["response"]["status"]) == ("response.failed", "failed")
    assert failed["response"]["error"] == {"code": "server_error", "message": "gone"}


def test_a_stream_that_never_began_ends_with_an_error_alone() -> None:
    encoder = CODEC.stream_encoder(Stamp(), True)
    found = [json.loads(data) for data in datas(encoder.fail(ProviderError("gone", code="rate_limit_exceeded")))]
    assert [(event["type"], event["code"]) for event in found] == [("error", "rate_limit_exceeded")]


def test_responses_repeat_the_settings_of_their_request() -> None:
    asked = {
        "model": "m", "input": "Hi", "instructions": "Be brief.", "temperature": 0.5, "store": False,
        "reasoning": {"effort": "low"}, "tools": [{"type": "function", "name": "f", "parameters": {}}],
    }  # fmt: skip
    stamp = Stamp(id="resp_9", echo=asked)
    events = written(CODEC, answer(Text("Hi")), stamp)
    whole = CODEC.encode_response(answer(Text("Hi")), stamp).body
    for response in (events[0]["response"], events[-1]["response"], whole):
        assert response["id"] == "resp_9"
        assert response["instructions"] == "Be brief."
        assert (response["temperature"], response["top_p"], response["store"]) == (0.5, 1.0, False)
        assert response["reasoning"] == {"effort": "low", "summary": None}
        assert response["tools"][0]["strict"] is True
    assert events[-1]["response"] == whole


def test_more_for_an_item_that_has_ended_is_an_error_and_no_crash() -> None:
    started = {"type": "response.output_item.added", "output_index": 0, "item": {**CALL, "arguments": ""}}
    over = {"type": "response.output_item.done", "output_index": 0, "item": CALL}
    more = {"type": "response.function_call_arguments.delta", "output_index": 0, "item_id": "fc_1", "delta": "{"}
    with pytest.raises(AnswerUnreadable, match="has ended"):
        read(BEGIN, started, over, more, ended(CALL))
