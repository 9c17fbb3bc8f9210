"""What providers and the networks before them do when they fail."""

import asyncio
from dataclasses import dataclass, field
from typing import Literal

from harness.fake_provider_answers import Json, Received, Stream, Wire, head


@dataclass(frozen=True)
class Reset:
    """An RST before any byte of an answer."""

    async def play(self, request: Received, wire: Wire) -> None:
        wire.reset()


@dataclass(frozen=True)
class CloseWithoutAnswer:
    """A polite close before any byte of an answer."""

    async def play(self, request: Received, wire: Wire) -> None:
        wire.close()


@dataclass(frozen=True)
class Garbage:
    """Bytes that are not HTTP."""

    data: bytes = b"\x16\x03\x01 this is not HTTP\r\n\r\n"

    async def play(self, request: Received, wire: Wire) -> None:
        await wire.write(self.data)
        wire.close()


@dataclass(frozen=True)
class GarbageBody:
    """A 200 whose body is not what its content type says."""

    data: bytes = b"<html><body>Welcome to nginx!</body></html>"
    content_type: str = "application/json"
    status: int = 200

    async def play(self, request: Received, wire: Wire) -> None:
        await Json(self.status, self.data, {"content-type": self.content_type}).play(request, wire)


@dataclass(frozen=True)
class CutBody:
    """A JSON answer that ends after so many bytes of its body, although more are promised."""

    after: int = 40
    reset: bool = False

    async def play(self, request: Received, wire: Wire) -> None:
        status, data = Json().render(request)
        promised = {"content-type": "application/json", "content-length": str(len(data))}
        await wire.write(head(status, promised) + data[: self.after])
        await _flushed()
        wire.reset() if self.reset else wire.close()


@dataclass(frozen=True)
class CutStream:
    """A stream that ends after so many events (the first is the role), in the middle of the next one if `mid_event`."""

    after: int = 3
    mid_event: bool = True
    reset: bool = False
    stream: Stream = field(default_factory=Stream)

    async def play(self, request: Received, wire: Wire) -> None:
        await _play_some(self.stream, self.after, request, wire)
        if self.mid_event:
            event = list(self.stream.events(request))[self.after]
            half = event[: len(event) // 2]
            await wire.write(b"%x\r\n%b\r\n" % (len(half), half))
        await _flushed()
        wire.reset() if self.reset else wire.close()


@dataclass(frozen=True)
class Hang:
    """Silence with the connection open: at once, after the headers, or after so many events of a stream."""

    after: int | Literal["headers"] | None = None
    stream: Stream = field(default_factory=Stream)

    async def play(self, request: Received, wire: Wire) -> None:
        match self.after:
            case None:
                pass
            case "headers" if request.fields.get("stream") is not True:
                await wire.write(head(200, {"content-type": "application/json", "content-length": "1000"}))
            case "headers":
                await _play_some(self.stream, 0, request, wire)
            case events:
                await _play_some(self.stream, events, request, wire)
        await asyncio.Event().wait()  # until the client hangs up or the test ends


async def _play_some(stream: Stream, count: int, request: Received, wire: Wire) -> None:
    headers = {"content-type": "text/event-stream; charset=utf-8", "transfer-encoding": "chunked"}
    await wire.write(head(200, headers))
    for event in list(stream.events(request))[:count]:
        await wire.write(b"%x\r\n%b\r\n" % (len(event), event))
        await asyncio.sleep(stream.pace)


async def _flushed() -> None:
    """Let the client's side of the loop read what was written: a reset would take it away."""
    for _ in range(3):
        await asyncio.sleep(0)
