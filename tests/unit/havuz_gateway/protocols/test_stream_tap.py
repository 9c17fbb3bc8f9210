"""The tap holds a stream until its first content, then passes whole events on, whatever the chunking."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from havuz_gateway.protocols import sse
from havuz_gateway.protocols.errors import AnswerUnreadable
from havuz_gateway.protocols.openai_chat.stream import STREAM
from havuz_gateway.protocols.tap import RelayTap


def _event(**fields: object) -> bytes:
    return sse.encode(
        json.dumps({"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m-2024", **fields}).encode()
    )


def _delta(finish: str | None = None, **delta: object) -> bytes:
    return _event(choices=[{"index": 0, "delta": delta, "finish_reason": finish}])


ROLE = _delta(role="assistant", content="")
HELLO = _delta(content="Hello")
WORLD = _delta(content=' "prompt_tokens" [x] wörld')
STOP = _delta(finish="stop")
USAGE = _event(
    choices=[], usage={"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}
)
DONE = b"data: [DONE]\n\n"
WHOLE = ROLE + HELLO + WORLD + STOP + USAGE + DONE


def _tap(*, strip_usage: bool = False) -> RelayTap:
    return RelayTap(STREAM, strip_usage=strip_usage, max_event_bytes=10_000)


def _cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


def test_lifecycle_events_are_held_until_the_first_content() -> None:
    tap = _tap()
    assert tap.feed(ROLE) == b""
    assert not tap.found.committed
    assert tap.feed(HELLO) == ROLE + HELLO
    assert tap.found.committed


@pytest.mark.parametrize(
    "delta",
    [
        {"tool_calls": [{"index": 0}]},
        {"refusal": "no"},
        {"reasoning_content": "hm"},
        {"reasoning": "hm"},
        {"function_call": {"name": "f"}},
    ],
)
def test_anything_a_client_would_show_counts_as_content(delta: dict[str, object]) -> None:
    tap = _tap()
    tap.feed(_delta(**delta))
    assert tap.found.committed


@given(st.lists(st.integers(0, 5_000), max_size=12), st.booleans())
def test_any_chunking_gives_the_same_bytes_and_findings(places: list[int], strip: bool) -> None:
    tap = _tap(strip_usage=strip)
    sent = b"".join(tap.feed(chunk) for chunk in _cut(WHOLE, places)) + tap.end()
    assert sent == (WHOLE.replace(USAGE, b"") if strip else WHOLE)
    assert tap.found.done
    assert tap.found.usage is not None
    assert (tap.found.usage.input, tap.found.usage.output, tap.found.usage.cache_read) == (9, 3, 4)
    assert (tap.found.id, tap.found.model, tap.found.finish_reasons) == ("chatcmpl-1", "m-2024", ("stop",))


@given(st.integers(0, len(WHOLE) - 1))
def test_a_truncated_stream_is_never_done(length: int) -> None:
    tap = _tap()
    tap.feed(WHOLE[:length])
    tap.end()
    assert tap.found.done == (length >= len(WHOLE) - 2)  # all but the last blank line is still a whole [DONE]


def test_usage_on_a_chunk_with_choices_is_read_but_kept() -> None:
    both = _event(choices=[{"index": 0, "delta": {"content": "x"}}], usage={"prompt_tokens": 1, "completion_tokens": 2})
    tap = _tap(strip_usage=True)
    assert tap.feed(HELLO + both) == HELLO + both
    assert tap.found.usage is not None
    assert tap.found.usage.output == 2


@pytest.mark.parametrize("before", [b"", ROLE, USAGE], ids=["alone", "behind a role", "behind usage"])
def test_an_end_before_anything_was_said_is_no_answer(before: bytes) -> None:
    with pytest.raises(AnswerUnreadable, match="before it said anything"):
        _tap().feed(before + DONE)


def test_crlf_and_comments_pass_through_as_they_came() -> None:
    stream = b": PROCESSING\r\n\r\n" + HELLO.replace(b"\n", b"\r\n") + DONE.replace(b"\n", b"\r\n")
    tap = _tap()
    assert tap.feed(stream[:40]) + tap.feed(stream[40:]) == stream
    assert tap.found.done


def test_an_error_event_is_seen_before_and_after_the_first_content() -> None:
    error = sse.encode(b'{"error":{"message":"overloaded","type":"server_error","code":"overloaded"}}')
    before, after = _tap(), _tap()
    assert before.feed(ROLE + error) == b""
    assert before.found.error is not None
    assert not before.found.committed
    assert after.feed(HELLO) + after.feed(error) == HELLO + error
    assert after.found.error is not None
    assert after.found.error.message == "overloaded"


def test_nothing_follows_an_error_or_the_end_whatever_the_chunking() -> None:
    error = sse.encode(b'{"error":{"message":"overloaded","type":"server_error","code":"overloaded"}}')
    before, after, done = _tap(), _tap(), _tap()
    assert before.feed(ROLE + error + DONE) == b"", "an error before the first content can still be failed over"
    assert before.found.error is not None
    assert not before.found.committed
    assert after.feed(HELLO + error + DONE) == HELLO + error
    assert not after.found.done
    assert done.feed(HELLO + DONE + WORLD) == HELLO + DONE


@pytest.mark.parametrize("bad", [b"data: {oops}\n\n", b"data: [1]\n\n", b"data: 7\n\n", b"x" * 10_001])
def test_what_is_no_event_stream_is_refused(bad: bytes) -> None:
    with pytest.raises(AnswerUnreadable):
        _tap().feed(bad)


def test_impossible_usage_is_clamped_and_flagged() -> None:
    tap = _tap()
    tap.feed(_event(choices=[], usage={"prompt_tokens": -5, "completion_tokens": 3}))
    assert tap.found.usage is not None
    assert (tap.found.usage.input, tap.found.usage.output, tap.found.usage.clamped) == (0, 3, True)
