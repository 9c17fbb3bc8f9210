"""What translation costs: a streamed event and a whole answer, relayed and converted, in the pure steps alone.

What a gateway spends on sockets and on everything around is not in it; the rows of the first table have that.
"""

import time
from collections.abc import Callable, Iterator

from havuz_gateway.protocols.codec import Codec, Quirks, Stamp
from havuz_gateway.protocols.json_text import dump
from havuz_gateway.protocols.neutral import events as ev
from havuz_gateway.protocols.neutral.content import Text
from havuz_gateway.protocols.neutral.finish import Finish
from havuz_gateway.protocols.neutral.request import ChatRequest, Message
from havuz_gateway.protocols.neutral.response import ChatResponse, Choice
from havuz_gateway.protocols.registry import CODECS, RELAYED
from havuz_gateway.protocols.usage import Usage
from havuz_gateway.protocols.wire import ConvertingWire, RelayWire, Wire

_EVENTS = 400
_ROUNDS = 7
_CALLS = 200
_MAX_EVENT = 1_000_000
_STAMP = Stamp(id="bench", model="bench", created=1_763_700_000)
_USAGE = Usage(input=180, output=190)
_TEXT = "The quick brown fox jumps over the lazy dog while the band plays on. " * 12  # as the bench's provider says
_PROMPT = "Tell me, in a few words and without any hurry, what a gateway is good for. " * 10


def table() -> str:
    """Markdown: µs of one streamed text event, one whole answer and one request, with the ratio to relaying."""
    rows = [
        "| from a provider → to a client | µs/event | ratio | µs/answer | µs/request back |",
        "|---|--:|--:|--:|--:|",
    ]
    for provider in CODECS.values():
        stream, answer = list(_stream(provider)), _answer(provider)
        relayed = _relayed(provider, stream, answer, rows)
        for client in CODECS.values():
            if client is not provider:
                wire = ConvertingWire(provider, client, _STAMP, include_usage=True)
                event, asked = _per_event(wire, stream), _microseconds(_request(client, provider))
                name, ratio = f"{provider.protocol} → {client.protocol}", f"{event / relayed:.1f}" if relayed else "–"
                rows.append(f"| {name} | {event:.2f} | {ratio} | {_whole(wire, answer):.0f} | {asked:.0f} |")
    return "\n".join(rows)


def _relayed(provider: Codec, stream: list[bytes], answer: bytes, rows: list[str]) -> float | None:
    """µs of an event where the client speaks the same protocol, with its row; None where nothing relays it yet."""
    relayed = RELAYED.get((provider.protocol, "chat"))
    if relayed is None:
        return None
    relay = RelayWire(relayed)
    event = _per_event(relay, stream)
    rows.append(f"| {provider.protocol}, relayed | {event:.2f} | 1.0 | {_whole(relay, answer):.0f} | 0 |")
    return event


def _stream(codec: Codec) -> Iterator[bytes]:
    """A stream of text, an event a chunk as providers send it, written by the codec itself."""
    encoder = codec.stream_encoder(_STAMP, True)
    events: list[ev.ChatEvent] = [ev.ResponseStart("msg_1", "model"), ev.TextStart(0, "0")]
    events += [ev.TextDelta(0, "0", "one more token ")] * _EVENTS
    events += [ev.TextEnd(0, "0"), ev.ChoiceEnd(0, Finish("stop")), ev.UsageReport(_USAGE), ev.ResponseEnd()]
    return (chunk for event in events if (chunk := encoder.feed(event)))


def _answer(codec: Codec) -> bytes:
    choice = Choice((Text(_TEXT),), Finish("stop"))
    return dump(codec.encode_response(ChatResponse("msg_1", "model", (choice,), usage=_USAGE), _STAMP).body).encode()


def _request(client: Codec, provider: Codec) -> Callable[[], object]:
    """A client's request, decoded, on its way to the provider's bytes."""
    messages = (Message("system", "You are brief.", apart=True), Message("user", _PROMPT))
    asked = ChatRequest("model", messages, output_limit=256, temperature=0.5, stream=True)
    body = client.encode_request(asked, Quirks()).body
    return lambda: dump(provider.encode_request(client.decode_request(body), Quirks()).body).encode()


def _per_event(wire: Wire, stream: list[bytes]) -> float:
    def run() -> None:
        tap = wire.tap(max_event_bytes=_MAX_EVENT)
        for chunk in stream:
            tap.feed(chunk)
        tap.end()
        if not tap.found.done:
            raise RuntimeError("the bench's own stream has no end")

    return _microseconds(run, calls=5) / len(stream)


def _whole(wire: Wire, answer: bytes) -> float:
    return _microseconds(lambda: wire.read_answer(answer))


def _microseconds(call: Callable[[], object], calls: int = _CALLS) -> float:
    best = float("inf")
    for _ in range(_ROUNDS):
        begun = time.process_time()
        for _ in range(calls):
            call()
        best = min(best, (time.process_time() - begun) / calls)
    return best * 1e6


if __name__ == "__main__":
    print(table())
