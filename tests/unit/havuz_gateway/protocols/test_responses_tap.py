"""A relayed Responses stream: what holds it, what lets it go, what ends it."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.fake_provider_responses import call_item, event, message_item, response_body, response_events
from havuz_gateway.protocols.openai_responses.stream import STREAM
from havuz_gateway.protocols.tap import RelayTap

EVENTS = [*response_events({}, ["Mer", 'haba "response.completed" \\ — 🌍', "!"])]
WHOLE = b"".join(EVENTS)
BEGUN = event("response.created", 0, response={**response_body({}), "status": "in_progress", "usage": None})


def tap() -> RelayTap:
    return RelayTap(STREAM, strip_usage=False, max_event_bytes=1_000_000)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, len(WHOLE) - 1), max_size=12))
def test_any_chunking_passes_on_the_same_bytes_and_tells_the_same(cuts: list[int]) -> None:
    places = [0, *sorted(set(cuts)), len(WHOLE)]
    relay = tap()
    passed = b"".join(relay.feed(WHOLE[start:end]) for start, end in itertools.pairwise(places)) + relay.end()
    assert passed == WHOLE
    found = relay.found
    assert (found.done, found.error, found.finish_reasons) == (True, None, ("completed",))
    assert found.usage is not None
    assert (found.usage.input, found.usage.output, found.usage.cache_read, found.usage.reasoning) == (36, 87, 16, 64)
    assert (found.id or "").startswith("resp_")


@pytest.mark.parametrize("count", range(len(EVENTS)))
def test_a_stream_that_is_cut_anywhere_never_ends_clean(count: int) -> None:
    relay = tap()
    relay.feed(b"".join(EVENTS[:count]) + EVENTS[count][:-9])
    relay.end()
    assert not relay.found.done


@pytest.mark.parametrize(
    ("told", "content"),
    [
        (event("response.in_progress", 1, response={}), False),
        (event("response.queued", 1, response={}), False),
        (event("response.output_item.added", 1, item=message_item("")), False),
        (event("response.output_item.added", 1, item={"type": "reasoning", "id": "rs_1", "summary": []}), False),
        (event("response.content_part.added", 1, part={"type": "output_text", "text": ""}), False),
        (event("response.reasoning_summary_part.added", 1, part={"type": "summary_text", "text": ""}), False),
        (event("response.output_item.added", 1, item=call_item("f", "")), True),
        (event("response.output_item.added", 1, item={"type": "web_search_call", "id": "ws_1"}), True),
        (event("response.output_text.delta", 1, delta="x"), True),
        (event("response.reasoning_summary_text.delta", 1, delta="x"), True),
        (event("response.custom_tool_call_input.delta", 1, delta="x"), True),
        (event("response.output_item.done", 1, item=message_item("x")), True),
        (event("response.of_another_day", 1), True),
    ],
    ids=lambda value: value.split(b"\n")[0].decode() if isinstance(value, bytes) else str(value),
)
def test_content_alone_lets_go_what_is_held(told: bytes, content: bool) -> None:
    relay = tap()
    assert relay.feed(BEGUN) == b""
    assert relay.feed(told) == (BEGUN + told if content else b"")
    assert relay.found.committed is content


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (event("error", 1, code="server_error", message="flat", param=None), "flat"),
        (event("error", 1, error={"type": "server_error", "message": "nested"}), "nested"),
        (b'data: {"error":{"message":"of a proxy"}}\n\n', "of a proxy"),
        (event("response.failed", 1, response={"error": {"code": "server_error", "message": "failed"}}), "failed"),
    ],
    ids=["flat", "nested", "without a type", "response.failed"],
)
@pytest.mark.parametrize("after_content", [False, True])
def test_an_error_is_no_end_and_nothing_follows_it(told: bytes, message: str, after_content: bool) -> None:
    relay = tap()
    begun = EVENTS[:5] if after_content else EVENTS[:1]
    passed = relay.feed(b"".join(begun) + told + EVENTS[-1])
    assert relay.found.error is not None
    assert relay.found.error.message == message
    assert not relay.found.done
    assert passed == (b"".join(begun) + told if after_content else b"")
