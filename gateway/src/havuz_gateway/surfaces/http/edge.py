"""From a socket to an endpoint and back: requests become plain values, errors become the surface's answers."""

import asyncio
import math
import random
from collections.abc import Callable, Mapping

from havuz_gateway.errors import GatewayError, InvalidRequest, ProviderEndedStream
from havuz_gateway.pipeline.authenticate import authenticate
from havuz_gateway.pipeline.exchange import ClientGone, Request
from havuz_gateway.pipeline.services import Services
from havuz_gateway.surfaces.base import Rendered, Surface
from havuz_gateway.surfaces.credentials import take_credential
from havuz_gateway.surfaces.http.answer import Answer
from havuz_gateway.surfaces.http.body import read_body, read_form
from havuz_gateway.surfaces.http.bounds import HttpBounds
from havuz_gateway.surfaces.http.incoming import Incoming
from havuz_gateway.surfaces.http.server import HttpServer
from havuz_gateway.surfaces.http.writer import Dress, ResponseWriter
from havuz_gateway.surfaces.registry import Registry
from havuz_gateway.telemetry import logs
from havuz_gateway.transport.upload import Upload, UploadRoom

_BUSY = (429, 503)
_FORM = "multipart/form-data"
_CLIENT_GONE = 499  # nginx's number for it; no client ever sees it


def random_request_id(rng: random.Random) -> Callable[[], str]:
    """A source of ids such as `req_5f0c…` (96 random bits)."""
    return lambda: f"req_{rng.getrandbits(96):024x}"


class HeadTooSlow(InvalidRequest):
    """The head of a request did not arrive in time."""

    status = 408


class HttpEdge:
    """The one handler of the public port. `active` counts requests in work; `idle` is set while there are none."""

    def __init__(
        self,
        registry: Registry,
        services: Services,
        *,
        bounds: HttpBounds,
        front: bool = True,
        new_id: Callable[[], str] | None = None,
    ) -> None:
        self._registry = registry
        self._services = services
        self._bounds = bounds
        self._front = front
        self._new_id = new_id or random_request_id(random.Random())  # noqa: S311 - a name, not a secret
        self._server: HttpServer | None = None
        self._room = UploadRoom(bounds.upload_room)
        self.active = 0
        self.idle = asyncio.Event()
        self.idle.set()

    def server(self) -> HttpServer:
        """The server for `web.ServerRunner`, made in a running loop; without `front`, aiohttp reads all requests."""
        self._server = HttpServer(self.handle, refusal=self._refusal, bounds=self._bounds, front=self._front)
        return self._server

    def _draining(self) -> bool:
        return self._server is not None and self._server.draining

    async def handle(self, incoming: Incoming) -> Answer | None:
        """Answer one request. None: nobody was left to be answered."""
        request_id = self._new_id()
        writer = ResponseWriter(
            incoming, request_id=request_id, timeout=self._bounds.write_idle, closing=self._draining
        )
        began = asyncio.get_running_loop().time()
        self.active += 1
        self.idle.clear()
        try:
            await self._answer(incoming, request_id, writer)
        except ClientGone:
            incoming.cut()  # nothing more is written to a connection whose client is gone
        finally:
            writer.close()
            if not writer.accounted:
                self._account(incoming, request_id, writer, seconds=asyncio.get_running_loop().time() - began)
            self.active -= 1
            if not self.active:
                self.idle.set()
        return writer.response

    def _account(self, incoming: Incoming, request_id: str, writer: ResponseWriter, *, seconds: float) -> None:
        """Count and log a request that never met the pipeline. A path nobody serves is not named: it may hold a key."""
        status = writer.response.status if writer.response is not None else _CLIENT_GONE
        path = self._registry.template(incoming.path)
        self._services.telemetry.metrics.answered_at_once(route=path, status=status)
        if logs.requests_enabled():
            logs.request_ended({"request_id": request_id, "path": path, "status": status, "seconds": seconds})

    async def _answer(self, incoming: Incoming, request_id: str, writer: ResponseWriter) -> None:
        surface = self._registry.unknown(incoming.headers)
        writer.dress = self._dress(surface, request_id)
        try:
            path = incoming.path
            place = self._registry.find(path, incoming.headers)
            if place.surface is not surface:
                surface = place.surface
                writer.dress = self._dress(surface, request_id)
            endpoint = place.endpoint(incoming.method, path)
            if endpoint is None:
                await writer.respond(204, {"allow": place.allow}, b"")
                return
            request, credential = await self._read(incoming, request_id, surface)
            if surface.framing is not None:
                writer.framing = surface.framing(request)
            await endpoint(request, writer, credential=credential, services=self._services)
            if not writer.started:
                raise GatewayError("the request was handled without an answer: report this with the request id")
        except GatewayError as error:
            await _tell(error, surface, _bare(incoming, request_id), writer)
        except ClientGone:
            raise
        except Exception as error:
            logs.request_failed(error, request_id)
            told = GatewayError("the gateway failed on this request: report it with the request id")
            await _tell(told, surface, _bare(incoming, request_id), writer)

    def _dress(self, surface: Surface, request_id: str) -> Dress | None:
        """What the writer is to add to the headers of an answer on this surface."""
        added = surface.answer_headers
        if added is None:
            return None
        return lambda headers: added(headers, request_id=request_id, now=self._services.wall())

    async def _read(self, incoming: Incoming, request_id: str, surface: Surface) -> tuple[Request, str | None]:
        headers, query, path = incoming.headers, incoming.query, incoming.path
        credential = take_credential(headers, query, surface.key_places)
        host, template = _host(headers.get("host", "")), self._registry.template(path)

        def request(body: bytes, upload: Upload | None = None) -> Request:
            return Request(
                request_id, incoming.method, path, host, headers, query, body, upload, template, incoming.peer
            )

        def check_sender() -> object:
            if surface.check_sender is not None:
                return surface.check_sender(request(b""))
            return authenticate(request(b""), credential, surface.protocol, self._services)

        bounds = self._bounds
        kind = surface.forms.get(path) if surface.forms and _is_form(headers) else None
        if kind is None:
            body = await read_body(
                incoming,
                limit=bounds.max_body,
                idle=bounds.read_idle,
                total=bounds.read_total,
                check_sender=check_sender,
            )
            return request(body), credential
        limit = bounds.max_image_form if kind == "image" else bounds.max_audio_form
        upload = await read_form(
            incoming,
            limit=limit,
            idle=bounds.read_idle,
            total=bounds.read_total,
            check_sender=check_sender,
            room=self._room,
        )
        return request(b"", upload), credential

    def _refusal(self, status: int) -> Rendered:
        """The answer to what was no request at all."""
        request_id = self._new_id()
        self._services.telemetry.metrics.answered_at_once(route=None, status=status)
        match status:
            case 408:
                error: GatewayError = HeadTooSlow("the head of the request did not arrive in time: send it at once")
            case _ if status < 500:
                error = InvalidRequest(
                    "the request is not valid HTTP: check its request line, header sizes and framing"
                )
            case _:
                error = GatewayError("the gateway failed on this connection: try again")
        nothing = Request(id=request_id, method="", path="", host="", headers={}, query={}, body=b"")
        rendered = self._registry.default.render_error(error, nothing)
        headers = {"server": "havuz", **rendered.headers, "x-request-id": request_id}
        return Rendered(rendered.status, headers, rendered.body)


async def _tell(error: GatewayError, surface: Surface, request: Request, writer: ResponseWriter) -> None:
    """Tell the client: by a whole answer, or by the stream's error event and an end without the protocol's own."""
    if writer.finished:
        return  # what failed came after the answer; the client has it whole
    if writer.whole:
        raise ClientGone from error  # half of it may be out, and what came behind would be read as the next answer
    if writer.started:
        if not isinstance(error, ProviderEndedStream):  # that one was told by the provider's own event
            await writer.write(surface.stream_error(error, request))
        await writer.end()
        return
    rendered = surface.render_error(error, request)
    await writer.respond(rendered.status, _error_headers(error, rendered), rendered.body)


def _error_headers(error: GatewayError, rendered: Rendered) -> dict[str, str]:
    headers = {**rendered.headers, **error.headers}
    if rendered.status in _BUSY or error.retry_after is not None:
        wait = max(error.retry_after or 0.0, 0.0)
        headers["retry-after"] = str(max(1, math.ceil(wait)))
        if error.retry_after is not None:
            headers["retry-after-ms"] = str(math.ceil(wait * 1000))
    return headers


def _bare(incoming: Incoming, request_id: str) -> Request:
    """What the rendering of an error may know: neither headers nor body."""
    return Request(id=request_id, method=incoming.method, path=incoming.path, host="", headers={}, query={}, body=b"")


def _host(value: str) -> str:
    """The host of a Host header, without its port; `[::1]:8080` is `::1`."""
    if value.startswith("["):
        return value[1:].partition("]")[0].lower()
    return value.partition(":")[0].lower()


def _is_form(headers: Mapping[str, str]) -> bool:
    return headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM
