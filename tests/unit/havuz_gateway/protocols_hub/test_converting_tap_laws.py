"""The laws of a stream on its way between any two registered protocols, on the golden streams and answers."""

import json
from itertools import accumulate, pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from havuz_gateway.protocols import sse
from havuz_gateway.protocols.codec import Codec, Stamp, StreamReader
from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.protocols.neutral.errors import AnswerFailed
from havuz_gateway.protocols.neutral.events import ResponseEnd, ResponseError
from havuz_gateway.protocols.neutral.fold import fold
from havuz_gateway.protocols.neutral.unfold import unfold
from havuz_gateway.protocols.registry import CODECS
from havuz_gateway.protocols.tap import Tap
from havuz_gateway.protocols.usage import Usage
from havuz_gateway.protocols.wire import ConvertingWire

GOLDEN = Path(__file__).parents[3] / "golden" / "protocols"
STAMP = Stamp(id="id-1", model="public", created=1_763_700_000)
MAX_EVENT = 1_000_000
BROKE = ProviderError("the provider's stream broke off", type="api_error")
RELAXED = settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow])
# What ends a stream where that need not be its last event. Google's is the reason to finish.
ENDS = {"gemini": (b'"finishReason"',), "openai_responses": (b'"response.completed"', b'"response.incomplete"')}
PAIRS = [
    pytest.param(provider, client, id=f"{provider.protocol}-to-{client.protocol}")
    for provider in CODECS.values()
    for client in CODECS.values()
    if client is not provider
]
each_pair = pytest.mark.parametrize(("provider", "client"), PAIRS)


def streams(provider: Codec) -> list[bytes]:
    return [path.read_bytes() for path in sorted((GOLDEN / provider.protocol).glob("*.stream.chunks"))]


def wire(provider: Codec, client: Codec) -> ConvertingWire:
    return ConvertingWire(provider, client, STAMP, include_usage=True)


def through(tap: Tap, chunks: list[bytes]) -> bytes:
    return b"".join(tap.feed(chunk) for chunk in chunks) + tap.end()


def pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    return [stream[start:end] for start, end in pairwise([0, *sorted(cuts), len(stream)])]


@each_pair
@RELAXED
@given(data=st.data())
def test_any_chunking_tells_the_client_the_same(provider: Codec, client: Codec, data: st.DataObject) -> None:
    stream = data.draw(st.sampled_from(streams(provider)))
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=20))
    whole, cut = (
        wire(provider, client).tap(max_event_bytes=MAX_EVENT),
        wire(provider, client).tap(max_event_bytes=MAX_EVENT),
    )
    assert through(cut, pieces(stream, cuts)) == through(whole, [stream])
    assert cut.found == whole.found


@each_pair
def test_byte_by_byte_is_a_chunking_too(provider: Codec, client: Codec) -> None:
    for stream in streams(provider):
        whole, slow = (wire(provider, client).tap(max_event_bytes=MAX_EVENT) for _ in range(2))
        assert through(slow, [stream[at : at + 1] for at in range(len(stream))]) == through(whole, [stream])


@each_pair
@RELAXED
@given(data=st.data())
def test_a_truncated_stream_never_ends_clean(provider: Codec, client: Codec, data: st.DataObject) -> None:
    events = to_the_end(provider, data.draw(st.sampled_from(streams(provider))))
    stream = b"".join(events).rstrip(b"\r\n")
    ends = list(accumulate(map(len, events[:-1]), initial=0))
    cut = data.draw(st.integers(0, len(stream) - 1) | st.sampled_from(ends))
    tap = wire(provider, client).tap(max_event_bytes=MAX_EVENT)
    told = through(tap, [stream[:cut]])
    assert not tap.found.done
    reader = StreamReader(client.stream_decoder(), max_event_bytes=MAX_EVENT)
    heard = reader.feed(told + tap.fail(BROKE))
    assert ResponseEnd() not in heard
    assert isinstance(heard[-1], ResponseError), "the client is not told that its stream broke"
    with pytest.raises(AnswerFailed):
        fold(heard)


def to_the_end(provider: Codec, stream: bytes) -> list[bytes]:
    """The events of a stream up to its protocol's own end; some servers add to it."""
    found, marks = list(sse.events(stream)), ENDS.get(provider.protocol, ())
    ends = (number for number, event in enumerate(found, 1) if any(mark in event for mark in marks))
    return found[: next(ends, len(found))]


@each_pair
def test_the_usage_that_is_found_is_that_of_the_whole_answer(provider: Codec, client: Codec) -> None:
    for stream in streams(provider):
        reader = StreamReader(provider.stream_decoder(), max_event_bytes=MAX_EVENT)
        events = reader.feed(stream)
        tap = wire(provider, client).tap(max_event_bytes=MAX_EVENT)
        told = through(tap, [stream])
        if tap.found.error is not None:
            assert any(isinstance(event, ResponseError) for event in events)
            continue
        assert tap.found.done
        assert tap.found.usage == fold([*events, *reader.end()]).usage
        again = StreamReader(client.stream_decoder(), max_event_bytes=MAX_EVENT)
        client_s = fold(again.feed(told) + again.end()).usage
        # where the provider counted nothing, a protocol that always says a usage says zeros
        assert client_s == tap.found.usage or (tap.found.usage is None and client_s == Usage(0, 0))


@each_pair
def test_a_whole_answer_and_its_stream_cost_the_same(provider: Codec, client: Codec) -> None:
    for path in sorted((GOLDEN / provider.protocol).glob("*.response.json")):
        body = path.read_bytes()
        encoder = provider.stream_encoder(STAMP, True)
        stream = b"".join(encoder.feed(event) for event in unfold(provider.decode_response(json.loads(body))))
        answer, tap = wire(provider, client).read_answer(body), wire(provider, client).tap(max_event_bytes=MAX_EVENT)
        through(tap, [stream])
        assert (tap.found.usage, tap.found.done) == (answer.usage, True), path.name


@each_pair
def test_a_stream_without_content_is_held_back_whole(provider: Codec, client: Codec) -> None:
    for stream in streams(provider):
        tap = wire(provider, client).tap(max_event_bytes=MAX_EVENT)
        told = tap.feed(next(sse.events(stream)))
        assert tap.found.committed or tap.found.error is not None or told == b""
