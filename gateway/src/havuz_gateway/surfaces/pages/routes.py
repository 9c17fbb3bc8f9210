"""The one table of pages. To add a page: a handler in a module of its own, a template, its texts, and a line here.

A handler is `async def page(visit: Visit) -> Answer` (see `answers.py`); it raises `GatewayError` to have an error page
shown. `{name}` in a path stands for one part, which the handler finds in `visit.parts`. `title` names a text
(`texts/<page>.json`); a route with an `icon` (`templates/icons.html`) stands in the menu, in this order.

Scripts and style sheets are files of `static/`, linked by `asset('name.js')`: the Content-Security-Policy allows
neither inline ones nor markup made of text (`innerHTML`). A script that posts sends `x-havuz-proof`, which is
`{{ proof }}` in a `data-` attribute. A page that asks the pipeline for its visitor gives it `visit.credential`, and
answers `Streamed`.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from havuz_gateway.surfaces.pages import (
    account,
    key_requests,
    keys,
    overview,
    pictures,
    playground,
    prices,
    quick_start,
    sign_in,
    usage,
)
from havuz_gateway.surfaces.pages.answers import Answer, Handler, Visit

ROOT = "/dashboard"


@dataclass(frozen=True, slots=True)
class Route:
    """One path. `data` is for scripts of ours: its errors are JSON. Where not `signed_in`, everybody may ask."""

    path: str
    get: Handler | None = None
    post: Handler | None = None
    title: str = ""
    icon: str = ""
    signed_in: bool = True
    kind: Literal["page", "data"] = "page"

    def methods(self) -> tuple[str, ...]:
        """What it answers."""
        return tuple(name for name, handler in (("GET", self.get), ("POST", self.post)) if handler is not None)

    def matched(self, path: str) -> Mapping[str, str] | None:
        """The parts of a path that is this route's, else None."""
        found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path), path)
        return None if found is None else found.groupdict()


async def _reference(visit: Visit) -> Answer:
    """The API reference needs the whole document of the API: both are made when somebody reads it first."""
    return await (await asyncio.to_thread(_reference_page, visit))(visit)


def _reference_page(visit: Visit) -> Handler:
    from havuz_gateway.surfaces.pages import reference

    return reference.section if "section" in visit.parts else reference.contents


ROUTES = (
    Route(ROOT, overview.overview, title="overview.title", icon="overview"),
    Route(f"{ROOT}/balance", overview.balance, kind="data"),
    Route(f"{ROOT}/keys", keys.keys, keys.create, title="keys.title", icon="keys"),
    Route(f"{ROOT}/keys/{{key}}/reset", keys.ask_reset, keys.reset),
    Route(f"{ROOT}/keys/{{key}}/revoke", keys.ask_revoke, keys.revoke),
    Route(f"{ROOT}/keys/requests/{{request}}", key_requests.request, signed_in=False),
    Route(f"{ROOT}/usage", usage.usage, title="usage.title", icon="usage"),
    Route(f"{ROOT}/usage.csv", usage.download),
    Route(f"{ROOT}/models", prices.models, title="models.title", icon="models"),
    Route(f"{ROOT}/pictures", pictures.pictures, title="pictures.title", icon="pictures"),
    Route(f"{ROOT}/pictures/{{task}}", pictures.picture),
    Route(f"{ROOT}/pictures/{{task}}/cancel", post=pictures.cancel),
    Route(f"{ROOT}/playground", playground.playground, title="playground.title", icon="playground"),
    Route(f"{ROOT}/playground/ask", post=playground.ask, kind="data"),
    Route(f"{ROOT}/playground/draw", post=playground.draw, kind="data"),
    Route(f"{ROOT}/playground/code", post=playground.code, kind="data"),
    Route(f"{ROOT}/start", quick_start.quick_start, title="start.title", icon="start"),
    Route(f"{ROOT}/reference", _reference, title="reference.title", icon="reference"),
    Route(f"{ROOT}/reference/{{section}}", _reference, title="reference.title"),
    Route(f"{ROOT}/account", account.account, title="account.title", icon="account"),
    Route(f"{ROOT}/sign-in", sign_in.form, sign_in.sign_in, title="sign_in.title", signed_in=False),
    Route(f"{ROOT}/sign-out", post=sign_in.sign_out),
    Route(f"{ROOT}/language", sign_in.choose_language, signed_in=False),
)
