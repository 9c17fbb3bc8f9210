"""`GET /openapi.json`: the document, for the host under which it is asked for. Needs no key."""

import json

from havuz_gateway.pipeline.exchange import Request, Writer
from havuz_gateway.pipeline.services import Services
from havuz_gateway.surfaces.base import Surface
from havuz_gateway.surfaces.deferred import Deferred
from havuz_gateway.surfaces.files import public_base_url
from havuz_gateway.surfaces.openai.chat import PROTOCOL
from havuz_gateway.surfaces.openai.errors import JSON_HEADERS, render_error, stream_error
from havuz_gateway.surfaces.openapi import PATH

_HEADERS = {
    **JSON_HEADERS,
    "cache-control": "public, max-age=300",
    "vary": "host, x-forwarded-proto",
    "access-control-allow-origin": "*",
}


class ServedDocument:
    """The endpoint. Few clients ask for the document, so it is put together for the first one."""

    def __init__(self) -> None:
        self._rest = Deferred(_without_servers)

    async def __call__(self, request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
        """Answer with the document, which is public."""
        servers = json.dumps([{"url": public_base_url(request, services)}]).encode()
        await writer.respond(200, _HEADERS, b'{"servers":' + servers + b"," + await self._rest.get())


def openapi_surface() -> Surface:
    """The path of the document."""
    return Surface(
        name="openapi",
        protocol=PROTOCOL,
        render_error=render_error,
        stream_error=stream_error,
        paths={PATH: {"GET": ServedDocument()}},
    )


def _without_servers() -> bytes:
    from havuz_gateway.surfaces.openapi.document import build

    return json.dumps(build(), ensure_ascii=False, separators=(",", ":")).encode()[1:]
