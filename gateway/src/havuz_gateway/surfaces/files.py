"""`GET /files/<name>`: a kept picture or sound, by a signed link and without a key.

What is served is of a type that no browser runs, and is told to be treated so:
https://cheatsheetseries.owasp.org/cheatsheets/File_Upload_Cheat_Sheet.html.
"""

import re
from collections.abc import Mapping

from havuz_gateway.errors import GatewayError, NotFound
from havuz_gateway.files.contents import Content, Range, RangeOutside
from havuz_gateway.files.links import PREFIX
from havuz_gateway.files.names import FileName
from havuz_gateway.pipeline.exchange import ClientGone, Request, Writer
from havuz_gateway.pipeline.services import Services
from havuz_gateway.surfaces.base import Surface
from havuz_gateway.surfaces.openai.chat import PROTOCOL
from havuz_gateway.surfaces.openai.errors import render_error, stream_error

_RANGE = re.compile(r"bytes=(?P<start>[0-9]{1,15})?-(?P<end>[0-9]{1,15})?")


async def serve(request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
    """Send the file. Raises `NotFound`, `PermissionDenied`, `Gone` and `ServiceUnavailable`."""
    name = FileName.read(request.path.removeprefix(PREFIX))
    if name is None:
        raise NotFound("there is no file of this name: use the link exactly as you were given it")
    left = services.links.check(name, request.query, now=services.wall())
    headers = _headers(name, left)
    if request.headers.get("if-none-match") in (headers["etag"], "*"):
        await writer.respond(304, headers, b"")
        return
    try:
        content = await services.files.open(name, _asked(request.headers))
    except RangeOutside as error:
        await writer.respond(416, {**headers, "content-range": f"bytes */{error.size}"}, b"")
        return
    await _send(content, writer, headers, bodiless=request.method == "HEAD")


def public_base_url(request: Request, services: Services) -> str:
    """What links in an answer begin with: the setting, else the scheme and host under which the client called."""
    if services.public_url:
        return services.public_url
    scheme = "https" if request.headers.get("x-forwarded-proto", "").lower() == "https" else "http"
    return f"{scheme}://{request.headers.get('host', request.host)}"


async def _send(content: Content, writer: Writer, headers: Mapping[str, str], *, bodiless: bool) -> None:
    partly = (content.start, content.end) != (0, content.size)
    size = {"content-length": str(content.end - content.start)}
    if partly:
        size["content-range"] = f"bytes {content.start}-{content.end - 1}/{content.size}"
    await writer.start(206 if partly else 200, {**headers, **size})
    if not bodiless:
        try:
            async for chunk in content.chunks:
                await writer.write(chunk)
        except GatewayError as error:
            raise ClientGone from error  # half of the file is out: only an end that is no end tells so
    await writer.end()


def _headers(name: FileName, left: float) -> dict[str, str]:
    return {
        "content-type": name.content_type,
        "content-disposition": f'inline; filename="{name}"',
        "content-security-policy": "sandbox; default-src 'none'",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",  # the link is all that it takes to read the file
        "cross-origin-resource-policy": "cross-origin",
        "accept-ranges": "bytes",
        "etag": f'"{name.token}"',
        "cache-control": f"private, max-age={int(left)}, immutable",
    }


def _asked(headers: Mapping[str, str]) -> Range | None:
    """The one range of a request. Several, or none that can be read, mean all: RFC 9110, section 14.2."""
    found = _RANGE.fullmatch(headers.get("range", "").replace(" ", ""))
    if found is None or "if-range" in headers:
        return None
    match found["start"], found["end"]:
        case None, None:
            return None
        case None, last:
            return Range(-int(last)) if int(last) else None
        case start, None:
            return Range(int(start))
        case start, end:
            return Range(int(start), int(end) + 1) if int(start) <= int(end) else None


FILES = Surface(
    name="files",
    protocol=PROTOCOL,
    render_error=render_error,
    stream_error=stream_error,
    paths={},
    prefixes={PREFIX: {"GET": serve}},
)
