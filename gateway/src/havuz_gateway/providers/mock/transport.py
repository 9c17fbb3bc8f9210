"""The mock's side of the wire: requests are answered in memory, with the faults that were asked for."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any

from havuz_gateway.protocols.multipart import FormReader, Part, boundary_of, fields_of
from havuz_gateway.protocols.openai.forms import typed
from havuz_gateway.protocols.openai_audio.request import FORM_KINDS as AUDIO_KINDS
from havuz_gateway.protocols.openai_images.request import FORM_KINDS as IMAGE_KINDS
from havuz_gateway.providers.mock import audio, images
from havuz_gateway.providers.mock.chat import complete, last_user_text
from havuz_gateway.providers.mock.embeddings import embed
from havuz_gateway.providers.mock.provider import PATHS
from havuz_gateway.providers.mock.render import as_events, as_json
from havuz_gateway.providers.mock.specials import NOTHING, Special, error_answer, special_of
from havuz_gateway.transport.base import CallTrace, Transport, TransportFailure, UpstreamRequest, UpstreamResponse

_JSON = {"content-type": "application/json"}
_EVENTS = {"content-type": "text/event-stream; charset=utf-8"}
_BYTES_PER_SECOND = 16_000  # of a sound whose length nobody looks up
_PAUSE_SECONDS = 0.2
_MANNER = ("stream", "stream_options", "partial_images")  # how an answer comes, not what it says
_EVENTS_BEFORE_BREAK = 3


class _Answer:
    """An answer in memory. `fault` is what happens to it on its way."""

    __slots__ = ("_fault", "_pieces", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], pieces: Iterable[bytes], fault: str | None) -> None:
        self.status = status
        self.headers = headers
        self._pieces = pieces
        self._fault = fault

    async def chunks(self) -> AsyncIterator[bytes]:
        for count, piece in enumerate(self._pieces):
            await asyncio.sleep(0)  # making a piece is work: others get their turn between two
            if self._fault == "slow":
                await asyncio.sleep(_PAUSE_SECONDS)
            if self._fault == "break" and count == _EVENTS_BEFORE_BREAK:
                break
            yield piece
        if self._fault == "break":
            raise TransportFailure("broken", "the mock provider was asked to break off")

    async def read(self, limit: int) -> bytes:
        return b"".join([piece async for piece in self.chunks()])[:limit]

    def close(self, *, told: bool = False) -> None:
        self._pieces = ()


class MockTransport:
    """Answers in OpenAI's protocol. `wall` (unix seconds) dates the answers."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall

    async def send(self, request: UpstreamRequest, *, trace: CallTrace | None = None) -> UpstreamResponse:
        """Answer, or fail as the request asks for."""
        path = request.url.partition("/v1")[2]
        fields, parts = await _asked(request)
        match next((action for action, its in PATHS.items() if its == path), None):
            case "chat":
                return await self._chat(fields)
            case "embeddings":
                return await self._embeddings(fields)
            case "image":
                return await self._images(fields, "image_generation", len(parts))
            case "image_edit":
                return await self._images(fields, "image_edit", len(parts) or len(fields.get("images") or ()))
            case "speech":
                return await _speech(fields)
            case "transcription":
                return await _transcription(fields, sum(part.content.end - part.content.start for part in parts))
            case _:
                return _Answer(200, _JSON, [_models(int(self._wall()))], None)

    async def _chat(self, fields: dict[str, Any]) -> _Answer:
        special = special_of(last_user_text(fields))
        refused = await _troubled(special)
        if refused is not None:
            return refused
        completion = complete(fields, digest=_digest(fields), created=int(self._wall()), special=special)
        if not fields.get("stream"):
            return _Answer(200, _JSON, [as_json(completion)], special.behaviour)
        include_usage = bool((fields.get("stream_options") or {}).get("include_usage"))
        return _Answer(200, _EVENTS, as_events(completion, include_usage=include_usage), special.behaviour)

    async def _embeddings(self, fields: dict[str, Any]) -> _Answer:
        text = fields.get("input")
        special = special_of(text) if isinstance(text, str) else NOTHING
        refused = await _troubled(special)
        return refused or _Answer(200, _JSON, embed(fields), special.behaviour)

    async def _images(self, fields: Mapping[str, Any], kind: str, read: int) -> _Answer:
        special = special_of(str(fields.get("prompt")))
        refused = await _troubled(special)
        if refused is not None:
            return refused
        if special.behaviour == "refusal":
            return _Answer(400, _JSON, [images.blocked()], None)
        digest, created = _digest(fields), int(self._wall())
        if fields.get("stream"):
            told = images.events(fields, digest=digest, created=created, pictures_read=read, kind=kind)
            return _Answer(200, _EVENTS, told, special.behaviour)
        pieces = images.whole(fields, digest=digest, created=created, pictures_read=read)
        return _Answer(200, _JSON, pieces, special.behaviour)


async def _asked(request: UpstreamRequest) -> tuple[dict[str, Any], list[Part]]:
    """The fields of a request, and its files where it is a form."""
    body = request.body
    if isinstance(body, bytes):
        return json.loads(body) if body else {}, []
    reader = FormReader(boundary_of(request.headers["content-type"]))
    async for piece in body.chunks():
        reader.feed(piece)
    parts = reader.parts()
    return typed(fields_of(parts), {**IMAGE_KINDS, **AUDIO_KINDS}), [part for part in parts if part.text is None]


async def _speech(fields: Mapping[str, Any]) -> _Answer:
    special = special_of(str(fields.get("input")))
    refused = await _troubled(special)
    if refused is not None:
        return refused
    if fields.get("stream_format") == "sse":
        return _Answer(200, _EVENTS, audio.speech_events(fields), special.behaviour)
    return _Answer(200, {"content-type": audio.spoken_type(fields)}, audio.speak(fields), special.behaviour)


async def _transcription(fields: Mapping[str, Any], size: int) -> _Answer:
    special = special_of(str(fields.get("prompt")))
    refused = await _troubled(special)
    if refused is not None:
        return refused
    seconds = size / _BYTES_PER_SECOND
    if fields.get("stream"):
        return _Answer(200, _EVENTS, audio.transcript_events(seconds), special.behaviour)
    kind, body = audio.transcribed(fields, seconds)
    return _Answer(200, {"content-type": kind}, [body], special.behaviour)


def _digest(fields: Mapping[str, Any]) -> str:
    """Stands for the request; the same whether it is streamed or not."""
    asked = {name: value for name, value in fields.items() if name not in _MANNER}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


async def _troubled(special: Special) -> _Answer | None:
    """The error that was asked for, or silence for ever; None where neither was."""
    if special.behaviour == "hang":
        await asyncio.get_running_loop().create_future()
    if special.status is None:
        return None
    headers, body = error_answer(special.status)
    return _Answer(special.status, headers, [body], None)


def _models(created: int) -> bytes:
    model = {"id": "mock", "object": "model", "created": created, "owned_by": "havuz"}
    return json.dumps({"object": "list", "data": [model]}).encode()


_: type[Transport] = MockTransport
