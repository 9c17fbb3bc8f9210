"""A writer that keeps the response which passes through it, before its end goes out.

Whoever has seen the end of an answer may go on from it at once, and at any gateway of the fleet: so the end waits until
the response is kept, or it is known that it is not. Without Redis that is known at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from havuz_gateway.pipeline.context import RequestContext
from havuz_gateway.pipeline.exchange import Writer
from havuz_gateway.protocols import sse
from havuz_gateway.protocols.json_text import load_object
from havuz_gateway.responses.record import Record
from havuz_gateway.responses.store import ResponseStore
from havuz_gateway.surfaces.openai.responses_errors import PROTOCOL

_ENDS = (b'"response.completed"', b'"response.incomplete"')
_END_TYPES = ("response.completed", "response.incomplete")
_DONE = b"data: [DONE]\n\n"
_NOT_KEPT = {"x-havuz-stored": "false"}
_NOT_KEPT_COMMENT = b": this response is not stored\n\n"


@dataclass(frozen=True, slots=True)
class _Wanted:
    context: RequestContext
    items: Sequence[Any]
    chain: tuple[str, ...]


class KeepingWriter:
    """Passes everything on to `writer`. `events` counts those that went out. `dialect`: the client speaks Open
    Responses, where a stream ends with `[DONE]`.
    """

    def __init__(self, writer: Writer, store: ResponseStore, *, dialect: bool) -> None:
        self._writer = writer
        self._store = store
        self._dialect = dialect
        self._wanted: _Wanted | None = None
        self._ended = False
        self._done = False
        self.events = 0

    def keep(self, context: RequestContext, *, items: Sequence[Any], chain: tuple[str, ...]) -> None:
        """Keep the response to `items`, which goes on from the responses of `chain`."""
        self._wanted = _Wanted(context, items, chain)

    @property
    def accounted(self) -> bool:
        """As the writer itself."""
        return self._writer.accounted

    @accounted.setter
    def accounted(self, value: bool) -> None:
        self._writer.accounted = value

    @property
    def whole(self) -> bool:
        """As the writer itself."""
        return self._writer.whole

    @whole.setter
    def whole(self, value: bool) -> None:
        self._writer.whole = value

    @property
    def started(self) -> bool:
        """As the writer itself."""
        return self._writer.started

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Send status and headers, which say where it is clear by now that nothing will be kept."""
        if self._wanted is not None and not self._store.up:
            self._wanted = None
            headers = {**headers, **_NOT_KEPT}
        await self._writer.start(status, headers)

    async def write(self, data: bytes) -> None:
        """Send whole events; the response's end only once it is kept."""
        self.events += data.count(b"\ndata:") + data.startswith(b"data:")
        if any(mark in data for mark in _ENDS):
            self._ended = True
            response = _response_in(data)
            if response is not None and self._wanted is not None and not await self._keep(response):
                data = _NOT_KEPT_COMMENT + data
        self._done = self._done or data.endswith(_DONE)
        await self._writer.write(data)

    async def end(self) -> None:
        """Finish the answer; in Open Responses the end of a whole stream is an event of its own."""
        if self._dialect and self._ended and not self._done:
            await self._writer.write(_DONE)
        await self._writer.end()

    async def respond(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a whole answer once it is kept."""
        if self._wanted is not None:
            response = load_object(body)
            if response is None or not await self._keep(response):
                headers = {**headers, **_NOT_KEPT}
        await self._writer.respond(status, headers, body)

    async def _keep(self, response: Mapping[str, Any]) -> bool:
        wanted, self._wanted = self._wanted, None
        name = response.get("id")
        if wanted is None or wanted.context.identity is None or not isinstance(name, str):
            return False
        record = Record(
            id=name, response=response, input=wanted.items, chain=wanted.chain, home=_home(wanted.context, response)
        )
        return await self._store.keep(wanted.context.identity.project.uid, record)


def _home(context: RequestContext, response: Mapping[str, Any]) -> tuple[str, str] | None:
    """The upstream and the model that keep the response themselves, as the response says; None where none does."""
    attempt = context.attempts[-1] if context.attempts else None
    if attempt is None or attempt.protocol != PROTOCOL or response.get("store") is False:
        return None
    return attempt.candidate.member.upstream.uid, attempt.candidate.target.model


def _response_in(data: bytes) -> Mapping[str, Any] | None:
    """The response object of the last event among these."""
    for event in sse.events(data):
        if not any(mark in event for mark in _ENDS):
            continue
        fields = load_object(sse.data_of(event) or b"")
        if fields is not None and fields.get("type") in _END_TYPES and isinstance(fields.get("response"), dict):
            found: dict[str, Any] = fields["response"]
            return found
    return None
