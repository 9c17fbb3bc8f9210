"""Answers of the fake provider, good and bad: each is a value that plays itself on a connection."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal, Protocol

from harness import fake_provider_bodies as bodies
from harness import fake_provider_gemini as gemini
from harness import fake_provider_messages as messages
from harness.fake_provider_responses import response_events

_KNOWN = frozenset(map(int, HTTPStatus))
Chunking = int | Literal["one-by-one"] | None


@dataclass(eq=False)
class Received:
    """One request as it came. Header names are lower case; `connection` tells TCP connections apart."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int
    answered: asyncio.Event = field(default_factory=asyncio.Event)  # the answer was played to its end
    gone: asyncio.Event = field(default_factory=asyncio.Event)  # the client hung up before that

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    @property
    def fields(self) -> Mapping[str, Any]:
        """The body where it is a JSON object, else nothing."""
        try:
            decoded = json.loads(self.body)
        except ValueError:
            return {}
        return decoded if isinstance(decoded, dict) else {}

    @property
    def credential(self) -> str:
        """The bearer token, or the key in the header that Anthropic or Google has for it."""
        bare = self.headers.get("x-api-key") or self.headers.get("x-goog-api-key")
        return bare or self.headers.get("authorization", "").removeprefix("Bearer ")

    @property
    def hung_up(self) -> bool:
        """Whether the client hung up before the answer was at its end."""
        return self.gone.is_set()


class Wire(Protocol):
    """The connection an answer is played on."""

    async def write(self, data: bytes) -> None:
        """Send, and wait while the client does not read."""

    def reset(self) -> None:
        """Cut the connection with an RST."""

    def close(self) -> None:
        """End the connection after what was written."""


class Answer(Protocol):
    """Something that the provider does about a request."""

    async def play(self, request: Received, wire: Wire) -> None:
        """Do it. Cancelled when the client hangs up."""


Scripted = Answer | Callable[[Received], Answer]


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """A status line and headers."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    phrase = HTTPStatus(status).phrase if status in _KNOWN else "Unknown"
    return f"HTTP/1.1 {status} {phrase}\r\n{lines}\r\n".encode()


def _id_headers() -> dict[str, str]:
    return {"x-request-id": bodies.new_id("req_", 32), "openai-version": "2020-10-01"}


@dataclass(frozen=True)
class Json:
    """A whole JSON answer; without `body` the one that fits the request. Bytes and text are sent as they are."""

    status: int | None = None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0

    async def play(self, request: Received, wire: Wire) -> None:
        if self.delay:
            await asyncio.sleep(self.delay)
        status, data = self.render(request)
        fixed = {"content-type": "application/json", "content-length": str(len(data)), **_id_headers()}
        await wire.write(head(status, {**fixed, **self.headers}) + data)

    def render(self, request: Received) -> tuple[int, bytes]:
        """Status and body."""
        if self.body is None:
            status, body = bodies.default_body(request.method, request.path, request.fields)
        else:
            status, body = 200, self.body
        if isinstance(body, bytes):
            return self.status or status, body
        text = body if isinstance(body, str) else json.dumps(body)
        return self.status or status, text.encode()


def error(status: int, message: str = "no", *, kind: str = "invalid_request_error", code: str | int | None = None,
          param: str | None = None, headers: Mapping[str, str] | None = None, delay: float = 0.0) -> Json:  # fmt: skip
    """OpenAI's error object under `status`."""
    return Json(status, bodies.error_body(message, kind=kind, code=code, param=param), headers or {}, delay)


def _pieces(data: bytes, chunking: Chunking) -> Iterator[bytes]:
    size = 1 if chunking == "one-by-one" else chunking or max(1, len(data))
    return (data[start : start + size] for start in range(0, len(data), size))


async def _send_chunk(wire: Wire, data: bytes) -> None:
    await wire.write(b"%x\r\n%b\r\n" % (len(data), data))
    await asyncio.sleep(0)


async def _begin_stream(wire: Wire, headers: Mapping[str, str]) -> None:
    fixed = {"content-type": "text/event-stream; charset=utf-8", "transfer-encoding": "chunked", **_id_headers()}
    await wire.write(head(200, {**fixed, **headers}))


@dataclass(frozen=True)
class Stream:
    """A streamed chat answer of text pieces (a mapping is an event as it is).

    `pace` seconds pass between events; `chunking` None puts one event in one HTTP chunk, a number cuts it all in pieces
    of so many bytes. `finish` False leaves out the last events, `done` False the `[DONE]`; the body still ends as HTTP
    wants.
    """

    pieces: Sequence[str | Mapping[str, Any]] = bodies.TEXT
    pace: float = 0.0
    chunking: Chunking = None
    finish: bool = True
    done: bool = True
    usage: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0

    async def play(self, request: Received, wire: Wire) -> None:
        if self.delay:
            await asyncio.sleep(self.delay)
        await _begin_stream(wire, self.headers)
        events = list(self.events(request))
        for event in events if self.chunking is None or self.pace else [b"".join(events)]:
            for piece in _pieces(event, self.chunking):
                await _send_chunk(wire, piece)
            if self.pace:
                await asyncio.sleep(self.pace)
        await wire.write(b"0\r\n\r\n")

    def events(self, request: Received) -> Iterator[bytes]:
        """Each event as it stands on the wire."""
        for event in bodies.chat_events(request.fields, self.pieces, finish=self.finish, usage=self.usage):
            yield b"data: " + json.dumps(event, separators=(",", ":")).encode() + b"\n\n"
        if self.done:
            yield b"data: [DONE]\n\n"


@dataclass(frozen=True)
class MessageStream(Stream):
    """The same for Anthropic: a stream of the blocks of `content`, or of the whole `message`."""

    content: Sequence[Mapping[str, Any]] = messages.TEXT
    message: Mapping[str, Any] | None = None

    def events(self, request: Received) -> Iterator[bytes]:
        whole = self.message or messages.message(request.fields, self.content, usage=self.usage)
        for event in messages.message_events(whole):
            yield messages.written(event)


@dataclass(frozen=True)
class Message:
    """Anthropic's answer of `content`, streamed where that is asked for."""

    content: Sequence[Mapping[str, Any]] = messages.TEXT
    usage: Mapping[str, Any] | None = None

    async def play(self, request: Received, wire: Wire) -> None:
        whole = messages.message(request.fields, self.content, usage=self.usage)
        streamed = request.fields.get("stream") is True
        await (MessageStream(message=whole) if streamed else Json(body=whole)).play(request, wire)


def message_error(status: int, kind: str, text: str = "no", *, headers: Mapping[str, str] | None = None) -> Json:
    """Anthropic's error object under `status`."""
    return Json(status, messages.error_body(kind, text), headers or {})


@dataclass(frozen=True)
class GeneratedStream(Stream):
    """The same for Google: a stream of the chunks of the `whole` answer."""

    whole: Mapping[str, Any] | None = None

    def events(self, request: Received) -> Iterator[bytes]:
        yield from map(gemini.written, gemini.chunks(self.whole or gemini.generated(request.path)))


@dataclass(frozen=True)
class Generated:
    """Google's answer of `parts`, streamed where the path says so; `whole` is the answer as it is."""

    parts: Sequence[Mapping[str, Any]] = gemini.TEXT
    usage: Mapping[str, Any] | None = None
    finish: str = "STOP"
    whole: Mapping[str, Any] | None = None

    async def play(self, request: Received, wire: Wire) -> None:
        whole = self.whole or gemini.generated(request.path, self.parts, finish=self.finish, usage=self.usage)
        streamed = ":streamGenerateContent" in request.path
        await (GeneratedStream(whole=whole) if streamed else Json(body=whole)).play(request, wire)


def google_error(status: int, word: str, text: str = "no", *details: Mapping[str, Any]) -> Json:
    """Google's error object under `status`."""
    return Json(status, gemini.error_body(status, word, text, *details))


@dataclass(frozen=True)
class RawEvents:
    """An event stream of exactly these bytes."""

    data: bytes
    chunking: Chunking = None
    headers: Mapping[str, str] = field(default_factory=dict)

    async def play(self, request: Received, wire: Wire) -> None:
        await _begin_stream(wire, self.headers)
        for piece in _pieces(self.data, self.chunking):
            await _send_chunk(wire, piece)
        await wire.write(b"0\r\n\r\n")


@dataclass(frozen=True)
class Default:
    """The answer of a provider in good health: a stream where one is asked for, else JSON."""

    async def play(self, request: Received, wire: Wire) -> None:
        path = request.path.partition("?")[0]
        match request.fields.get("stream"), path.rpartition("/")[2]:
            case _, "messages":
                await Message().play(request, wire)
            case True, "completions":
                await Stream().play(request, wire)
            case _, last if last.endswith(":streamGenerateContent"):
                await Generated().play(request, wire)
            case True, "responses":
                await RawEvents(b"".join(response_events(request.fields))).play(request, wire)
            case _:
                await Json().play(request, wire)


@dataclass(frozen=True)
class Redirect:
    """Sends the client elsewhere."""

    location: str = "/v1/elsewhere"
    status: int = 307

    async def play(self, request: Received, wire: Wire) -> None:
        await wire.write(head(self.status, {"location": self.location, "content-length": "0"}))
