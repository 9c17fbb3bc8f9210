"""The pages as a surface: their paths, their files, and how an error looks where no page can say it."""

from collections.abc import Mapping

from havuz_gateway.errors import GatewayError, NotFound
from havuz_gateway.pipeline.exchange import Request, Writer
from havuz_gateway.pipeline.services import Services
from havuz_gateway.surfaces.base import Methods, Rendered, Surface
from havuz_gateway.surfaces.credentials import KeyPlaces
from havuz_gateway.surfaces.pages.answers import Desk
from havuz_gateway.surfaces.pages.app import Pages
from havuz_gateway.surfaces.pages.assets import PREFIX, Assets
from havuz_gateway.surfaces.pages.routes import ROOT, ROUTES
from havuz_gateway.surfaces.pages.security import HEADERS

_FOR_EVER = {"cache-control": "public, max-age=31536000, immutable", "vary": "accept-encoding"}
_ERROR = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{status}</title>
<p>This page could not be made ({status}). Try again; if it stays so, report the request id <code>{id}</code>.</p>
<p lang="tr">Bu sayfa hazırlanamadı ({status}). Yeniden deneyin; düzelmezse istek kimliğini bildirin:
<code>{id}</code>.</p>
<p><a href="/dashboard">↩</a></p></html>
"""


def pages_surface(desk: Desk) -> Surface:
    """Every page of `routes.py`, and the files that they use."""
    pages = Pages(desk)
    every: Methods = {"GET": pages, "POST": pages}
    heads = {route.path.partition("{")[0] for route in ROUTES if "{" in route.path}
    return Surface(
        name="pages",
        protocol="pages",
        render_error=_render_error,
        stream_error=_stream_error,
        paths={route.path: every for route in ROUTES if "{" not in route.path},
        prefixes={
            PREFIX: {"GET": _Files(desk.assets)},
            **dict.fromkeys(sorted(heads, key=len, reverse=True), every),
            f"{ROOT}/": every,
        },
        answer_headers=_answer_headers,
        key_places=KeyPlaces(headers=(), query=()),
        check_sender=pages.check_sender,
    )


class _Files:
    """Serves style sheets, scripts and marks."""

    def __init__(self, assets: Assets) -> None:
        self._assets = assets

    async def __call__(self, request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
        asset = self._assets.find(request.path)
        if asset is None:
            raise NotFound(f"the path {request.path[:200]!r} does not exist")
        headers = {"content-type": asset.content_type, **_FOR_EVER}
        if "gzip" in request.headers.get("accept-encoding", ""):
            await writer.respond(200, {**headers, "content-encoding": "gzip"}, asset.packed)
        else:
            await writer.respond(200, headers, asset.body)


def _answer_headers(headers: Mapping[str, str], *, request_id: str, now: float) -> Mapping[str, str]:
    return HEADERS


def _render_error(error: GatewayError, request: Request) -> Rendered:
    body = _ERROR.format(status=error.status, id=request.id).encode()
    return Rendered(error.status, {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"}, body)


def _stream_error(error: GatewayError, request: Request) -> bytes:
    return b'event: error\ndata: {"status":%d}\n\n' % error.status
