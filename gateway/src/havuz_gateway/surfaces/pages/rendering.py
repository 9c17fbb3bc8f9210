"""From what a handler answers to bytes and headers."""

import gzip
import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from havuz_gateway.errors import GatewayError
from havuz_gateway.pipeline.exchange import Writer
from havuz_gateway.surfaces.pages.answers import Answer, Data, Download, Page, Redirect, Streamed, Visit
from havuz_gateway.surfaces.pages.languages import NAMES
from havuz_gateway.surfaces.pages.routes import ROOT, ROUTES

if TYPE_CHECKING:
    from jinja2 import Environment

_PRIVATE = {"cache-control": "no-store"}  # what a page shows is one customer's
_UNFORESEEN = 500
_PACKED_FROM_BYTES = 8 * 1024
# What a page repeats of its query tells nobody the length of a secret: no other site gets a session's page at all.
_PACKING_LEVEL = 4
_JSON = {"content-type": "application/json; charset=utf-8", **_PRIVATE}


def environment() -> "Environment":
    """The templates, all compiled. A value that is missing is an error, never an empty place."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("havuz_gateway.surfaces.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in made.list_templates():
        made.get_template(name)
    return made


async def send(answer: Answer, visit: Visit, writer: Writer, templates: "Environment") -> None:
    """Write an answer. Raises `ClientGone`."""
    match answer:
        case Page():
            html = templates.get_template(answer.template).render(**_frame(visit), **answer.values)
            headers = {"content-type": "text/html; charset=utf-8", "content-language": visit.language.code, **_PRIVATE}
            headers |= answer.headers
            if answer.cookie is not None:
                headers["set-cookie"] = answer.cookie
            body = html.encode()
            if len(body) > _PACKED_FROM_BYTES and "gzip" in visit.request.headers.get("accept-encoding", ""):
                headers["content-encoding"] = "gzip"
                body = gzip.compress(body, _PACKING_LEVEL, mtime=0)
            await writer.respond(answer.status, headers, body)
        case Redirect():
            headers = {"location": answer.to, **_PRIVATE}
            if answer.cookie is not None:
                headers["set-cookie"] = answer.cookie
            await writer.respond(303, headers, b"")
        case Data():
            body = json.dumps(answer.value, ensure_ascii=False, separators=(",", ":")).encode()
            await writer.respond(answer.status, _JSON, body)
        case Download():
            kept = {"content-disposition": f'attachment; filename="{answer.name}"'}
            await writer.respond(200, {"content-type": answer.content_type, **kept, **_PRIVATE}, answer.body)
        case Streamed():
            await answer.write(writer)


def error_page(error: GatewayError, visit: Visit) -> Page:
    """An error as a person is told: what happened, and what to do next."""
    say = visit.language.say
    known = f"errors.{error.status}"
    return Page(
        "error.html",
        {
            "title": say(known) if known in visit.language.texts else say("errors.other"),
            "message": said(error, visit),
            "status": error.status,
            "request_id": visit.request.id if error.status == _UNFORESEEN else None,
        },
        status=error.status,
        headers=error.headers if error.retry_after is None else {"retry-after": f"{math.ceil(error.retry_after)}"},
    )


def said(error: GatewayError, visit: Visit) -> str:
    """The sentence of an error in the visitor's language where it is one that pages know, else the error's own."""
    advice = f"errors.{error.status}_advice"
    if visit.language.code != "en" and advice in visit.language.texts:
        return visit.language.say(advice)
    return f"{error.message[:1].upper()}{error.message[1:]}."


def _frame(visit: Visit) -> Mapping[str, Any]:
    """What every template may use."""
    path = visit.request.path
    asked = "&".join(f"{quote(name)}={quote(values[0])}" for name, values in visit.request.query.items())
    return {
        "t": visit.language.say,
        "lang": visit.language.code,
        "languages": NAMES,
        "here": path + (f"?{asked}" if asked else ""),
        "path": path,
        "root": ROOT,
        "menu": [route for route in ROUTES if route.icon],
        "site": visit.site,
        "asset": visit.desk.assets.path,
        "colours": visit.desk.assets.colours(visit.site),
        "mark": visit.desk.assets.mark(visit.site),
        "visitor": visit.signed_in,
        "proof": visit.proof,
        "f": visit.formats,
        "base_url": visit.base_url,
    }
