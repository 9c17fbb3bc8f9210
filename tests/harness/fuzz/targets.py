"""What is fuzzed, and what may come of it: a result, or an error of havuz's own. Anything else is a finding."""

import json
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from hypothesis import strategies as st

from harness.fuzz.inputs import chunkings, spoiled, streams, torn
from havuz_gateway.errors import InvalidRequest
from havuz_gateway.metering.estimate import estimate
from havuz_gateway.protocols import sse
from havuz_gateway.protocols.body import Body, BodyError
from havuz_gateway.protocols.codec import Codec, Quirks, Stamp, StreamReader
from havuz_gateway.protocols.errors import AnswerUnreadable, ProviderError
from havuz_gateway.protocols.neutral.errors import AnswerFailed
from havuz_gateway.protocols.neutral.fold import Fold
from havuz_gateway.protocols.neutral.request import ChatRequest
from havuz_gateway.protocols.registry import CODECS, RELAYED
from havuz_gateway.protocols.tap import Tap
from havuz_gateway.protocols.wire import ConvertingWire, Relayed, RelayWire
from havuz_gateway.providers.quirks import COMPATIBLE, claude_quirks, openai_quirks

Target = Callable[[st.DataObject], None]
_T = TypeVar("_T")
_MAX_EVENT = 1_000_000
_STAMP = Stamp(id="id-1", created=1_763_700_000)
_QUIRKS = (Quirks(), COMPATIBLE, claude_quirks("claude-3-5-haiku"), openai_quirks("gpt-4o"), openai_quirks("gpt-5"))
_FAILED = ProviderError("the provider's stream broke off", type="api_error")


def targets() -> Iterator[tuple[str, Target]]:
    """Every target under a name of its own. A protocol that is registered is fuzzed."""
    for protocol, codec in CODECS.items():
        yield f"body of {protocol}", _body(protocol)
        yield f"request of {protocol}", _request(codec)
        yield f"error of {protocol}", _error(codec)
        yield f"order of events of {protocol}", _order(codec)
        for client in CODECS.values():
            if client is not codec:
                wire = ConvertingWire(codec, client, _STAMP, include_usage=True)
                yield f"answer of {protocol} to {client.protocol}", _answer(protocol, wire)
                yield f"stream of {protocol} to {client.protocol}", _stream(protocol, wire)
    for (protocol, action), relayed in RELAYED.items():
        yield f"relayed answer of {protocol} {action}", _answer(protocol, RelayWire(relayed))
        yield f"relayed error of {protocol} {action}", _relayed_error(protocol, relayed)
        if relayed.stream is not None:
            yield f"relayed stream of {protocol} {action}", _stream(protocol, RelayWire(relayed, strip_usage=True))


def _unless(work: Callable[[], _T], *expected: type[Exception]) -> _T | None:
    """What the work gives, None where it ends with one of the errors that are meant for that."""
    try:
        return work()
    except expected:
        return None


def _body(protocol: str) -> Target:
    def fuzz(data: st.DataObject) -> None:
        raw = data.draw(torn(protocol, "request.json"))
        body = _unless(lambda: Body.decode(raw), BodyError)
        if body is None:
            return
        removed = data.draw(st.sampled_from([(), *([name] for name in body.fields)]))
        change = {
            data.draw(st.sampled_from(["model", "stream", *body.fields])): data.draw(st.sampled_from(["new", None]))
        }
        wanted = {name: value for name, value in body.fields.items() if name not in removed} | change
        assert _same(json.loads(body.edited(change, removed)), wanted)
        found = _unless(lambda: estimate("chat", body.fields, raw, protocol=protocol), InvalidRequest)
        assert found is None or found.expected >= 0

    return fuzz


def _same(one: Any, other: Any) -> bool:
    return json.dumps(one) == json.dumps(other) or one == other


def _request(codec: Codec) -> Target:
    def fuzz(data: st.DataObject) -> None:
        raw = data.draw(spoiled(codec.protocol, "request.json"))
        body = json.loads(raw)
        if not isinstance(body, dict):
            return
        request = _unless(lambda: _decoded(codec, body), InvalidRequest)
        if request is not None:
            for other in CODECS.values():
                for quirks in _QUIRKS:
                    _encode(other, request, quirks)

    return fuzz


def _decoded(codec: Codec, body: dict[str, Any]) -> ChatRequest:
    try:
        return codec.decode_request(body)
    except InvalidRequest as error:
        if not error.param:
            raise AssertionError("a refused request names no field") from error
        raise


def _encode(codec: Codec, request: ChatRequest, quirks: Quirks) -> None:
    encoded = _unless(lambda: codec.encode_request(request, quirks), InvalidRequest)
    assert encoded is None or json.dumps(encoded.body)


def _answer(protocol: str, wire: ConvertingWire | RelayWire) -> Target:
    def fuzz(data: st.DataObject) -> None:
        kind = data.draw(st.sampled_from([spoiled, torn]))
        raw = data.draw(kind(protocol, "response.json"))
        answer = _unless(lambda: wire.read_answer(raw), AnswerUnreadable)
        assert answer is None or answer.error is not None or isinstance(json.loads(answer.body), dict)

    return fuzz


def _stream(protocol: str, wire: ConvertingWire | RelayWire) -> Target:
    def fuzz(data: st.DataObject) -> None:
        stream = data.draw(streams(protocol))
        whole, pieces = wire.tap(max_event_bytes=_MAX_EVENT), wire.tap(max_event_bytes=_MAX_EVENT)
        told, read = _told(whole, [stream])
        again, read_again = _told(pieces, data.draw(chunkings(stream)))
        assert again.startswith(told) or told.startswith(again), "chunking changes what the client is told"
        # a relayed stream is read in part only, so that faults in the rest may pass
        assert read == read_again or isinstance(wire, RelayWire), "chunking changes whether a stream is readable"
        if read and read_again:  # of an unreadable one, what came in the same chunk as the fault may not be told
            assert (told, whole.findings()) == (again, pieces.findings())
        if not whole.found.done:
            whole.fail(_FAILED)

    return fuzz


def _order(codec: Codec) -> Target:
    """Encoders rely on it that blocks start, go on and end, whatever a provider sends."""

    def fuzz(data: st.DataObject) -> None:
        reader, folding = StreamReader(codec.stream_decoder(), max_event_bytes=_MAX_EVENT), Fold()
        for event in sse.events(data.draw(streams(codec.protocol))):
            told = _unless(lambda event=event: reader.feed(event), AnswerUnreadable)  # type: ignore[misc]
            if told is None:
                return
            for one in told:
                try:
                    folding.feed(one)
                except AnswerFailed:
                    return

    return fuzz


def _told(tap: Tap, chunks: list[bytes]) -> tuple[bytes, bool]:
    """What the client is told, and whether the stream could be read to its end."""
    told = b""
    try:
        for chunk in chunks:
            told += tap.feed(chunk)
            if tap.found.done or tap.found.error is not None:
                return told, True
        return told + tap.end(), True
    except AnswerUnreadable:
        return told, False


def _error(codec: Codec) -> Target:
    def fuzz(data: st.DataObject) -> None:
        error = codec.decode_error(data.draw(_error_bodies()))
        for other in CODECS.values():
            assert json.dumps(other.encode_error(502, error, "req-1"))

    return fuzz


def _relayed_error(protocol: str, relayed: Relayed) -> Target:
    def fuzz(data: st.DataObject) -> None:
        assert isinstance(relayed.read_error(data.draw(_error_bodies())), ProviderError)

    return fuzz


@st.composite
def _error_bodies(draw: st.DrawFn) -> bytes:
    words: st.SearchStrategy[Any] = st.sampled_from(
        [None, 5, "", "x", "rate_limit_error", {}, [], "é" * 3_000, "\ud800", 1e400]
    )
    names = ("message", "type", "code", "param", "status", "details")
    members = draw(st.dictionaries(st.sampled_from(names), words))
    shapes = [members, {"error": members}, [{"error": members}], {"type": "error", "error": members}, {"error": "x"}]
    return draw(st.sampled_from([json.dumps(draw(st.sampled_from(shapes))).encode(), draw(st.binary(max_size=50))]))
