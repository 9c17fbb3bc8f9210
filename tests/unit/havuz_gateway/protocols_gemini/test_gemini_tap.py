"""A stream of Google's for a client of its own: same bytes and findings in any chunking, never a false end."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from havuz_gateway.protocols.gemini.stream import STREAM
from havuz_gateway.protocols.tap import RelayTap


def chunk(*parts: dict[str, Any], index: int = 0, finish: str | None = None, **members: Any) -> bytes:
    candidate = {"content": {"parts": parts, "role": "model"}, "index": index}
    body = {"candidates": [candidate | ({"finishReason": finish} if finish else {})], **members}
    return b"data: " + json.dumps({**body, "modelVersion": "m-1", "responseId": "r"}).encode() + b"\r\n\r\n"


def used(output: int) -> dict[str, Any]:
    return {"usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": output, "thoughtsTokenCount": 4}}


EMPTY = chunk({"text": ""}, **used(0))
FIRST, SECOND = chunk({"text": "Hello"}, **used(1)), chunk({"text": ' "error" wörld'}, **used(5))
LAST = chunk({"text": "!"}, finish="STOP", **used(7))
WHOLE = EMPTY + FIRST + SECOND + LAST
BLOCKED = b'data: {"promptFeedback":{"blockReason":"SAFETY"}}\n\n'


def tap() -> RelayTap:
    return RelayTap(STREAM, strip_usage=False, max_event_bytes=10_000)


def through(stream: bytes, places: list[int]) -> tuple[bytes, RelayTap]:
    edges = [0, *sorted({place % (len(stream) + 1) for place in places}), len(stream)]
    made = tap()
    told = b"".join(made.feed(stream[start:end]) for start, end in itertools.pairwise(edges))
    return told + made.end(), made


@given(st.lists(st.integers(0, 5_000), max_size=12))
def test_any_chunking_gives_the_same_bytes_and_findings(places: list[int]) -> None:
    sent, made = through(WHOLE, places)
    found = made.found
    assert sent == WHOLE
    assert (found.done, found.error) == (True, None)
    assert found.usage is not None
    assert (found.usage.input, found.usage.output, found.usage.reasoning) == (9, 11, 4)
    assert (found.id, found.model, found.finish_reasons) == ("r", "m-1", ("STOP",))


@given(st.integers(0, len(WHOLE) - 1), st.lists(st.integers(0, 5_000), max_size=4))
def test_a_truncated_stream_is_never_done(length: int, places: list[int]) -> None:
    _, made = through(WHOLE[:length], places)
    assert made.found.done == (length >= len(WHOLE) - 4)  # all but the last line's end is still the whole last chunk


def test_an_empty_text_is_held_until_the_first_content() -> None:
    made = tap()
    assert made.feed(EMPTY) == b""
    assert made.feed(FIRST) == EMPTY + FIRST


CONTENT: list[dict[str, Any]] = [
    {"text": "a"}, {"text": "a", "thought": True}, {"functionCall": {"name": "f"}}, {"inlineData": {}}, {"future": 1},
]  # fmt: skip


@pytest.mark.parametrize("part", CONTENT, ids=lambda part: next(iter(part)))
def test_any_part_with_something_in_it_is_content(part: dict[str, Any]) -> None:
    made = tap()
    made.feed(chunk(part))
    assert made.found.committed


@pytest.mark.parametrize("part", [{"text": ""}, {"text": "", "thought": True}, {"text": "", "thoughtSignature": "x"}])
def test_an_empty_part_is_none(part: dict[str, Any]) -> None:
    made = tap()
    made.feed(chunk(part))
    assert not made.found.committed


def test_the_last_usage_counts_also_of_a_stream_that_is_given_up() -> None:
    made = tap()
    made.feed(FIRST)
    assert made.feed(SECOND + chunk({"text": "x"}, **used(6))).startswith(SECOND)
    assert made.findings().usage is not None
    assert made.findings().usage.output == 10
    assert not made.found.done


def test_every_candidate_needs_its_own_reason() -> None:
    stream = chunk({"text": "a"}, index=0) + chunk({"text": "b"}, index=1) + chunk({"text": "."}, finish="STOP")
    _, made = through(stream, [])
    assert not made.found.done
    _, made = through(stream + chunk({"text": "."}, index=1, finish="MAX_TOKENS"), [50])
    assert made.found.done
    assert made.found.finish_reasons == ("STOP", "MAX_TOKENS")


def test_reasons_that_older_models_repeat_count_once() -> None:
    _, made = through(chunk({"text": "a"}, finish="STOP") + chunk({"text": "b"}, finish="STOP"), [])
    assert made.found.finish_reasons == ("STOP",)


@pytest.mark.parametrize("before", [b"", FIRST], ids=["at once", "in the middle"])
def test_a_blocked_prompt_is_an_end(before: bytes) -> None:
    sent, made = through(before + BLOCKED, [])
    assert sent == before + BLOCKED
    assert made.found.done
    assert made.found.finish_reasons == ("SAFETY",)


@pytest.mark.parametrize("prefix", [b"data: ", b""], ids=["event", "bare"])
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n\r\n"], ids=["no end", "line", "event's end"])
def test_an_error_ends_a_stream_and_is_told(prefix: bytes, end: bytes) -> None:
    error = prefix + b'{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}'
    before, after = tap(), tap()
    assert before.feed(EMPTY + error + end) + before.end() == b""
    assert before.found.error is not None
    assert not before.found.committed
    sent = after.feed(FIRST + error + end) + after.end()
    assert sent.startswith(FIRST + error)
    assert after.found.error is not None
    assert after.found.error.message == "busy"
    assert not after.found.done
