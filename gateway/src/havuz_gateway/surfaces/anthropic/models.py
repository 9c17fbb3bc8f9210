"""`GET …/models` and `GET …/models/{id}` in Anthropic's form: https://platform.claude.com/docs/en/api/models/list."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from havuz_contract.snapshot.models import Route
from havuz_gateway.errors import InvalidRequest
from havuz_gateway.pipeline.authenticate import authenticate
from havuz_gateway.pipeline.exchange import Request, Writer
from havuz_gateway.pipeline.plan import find_offered
from havuz_gateway.pipeline.services import Services
from havuz_gateway.protocols.anthropic.wire import PROTOCOL
from havuz_gateway.protocols.json_text import dump
from havuz_gateway.surfaces.anthropic.errors import JSON_HEADERS

_USUAL_LIMIT, _MOST = 20, 1_000
_Query = Mapping[str, tuple[str, ...]]


async def list_models(request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
    """The models of the key's project that its rights cover, by id, a page at once. Raises `InvalidRequest`."""
    identity = authenticate(request, credential, PROTOCOL, services)
    routes = services.view().routes(identity.project, services.wall())
    page, more = _page(routes, request.query)
    answer = {
        "data": [_model(route, route.model) for route in page],
        "has_more": more,
        "first_id": page[0].model if page else None,
        "last_id": page[-1].model if page else None,
    }
    await writer.respond(200, JSON_HEADERS, dump(answer).encode())


async def retrieve_model(request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
    """One model, by its id or an alias; ids may contain slashes. Raises `NotFound` or `PermissionDenied`."""
    identity = authenticate(request, credential, PROTOCOL, services)
    asked = request.path.partition("/v1/models/")[2]
    route = find_offered(asked, identity, services)
    await writer.respond(200, JSON_HEADERS, dump(_model(route, asked)).encode())


def _page(routes: Sequence[Route], query: _Query) -> tuple[Sequence[Route], bool]:
    """The routes after `after_id`, or those just before `before_id`, and whether more follow in that direction."""
    limit = _limit(query)
    after, before = _place(routes, query, "after_id"), _place(routes, query, "before_id")
    if after is not None and before is not None:
        raise InvalidRequest("'after_id' and 'before_id' exclude each other: send one of them", param="before_id")
    if before is not None:
        start = max(0, before - limit)
        return routes[start:before], start > 0
    start = 0 if after is None else after + 1
    return routes[start : start + limit], start + limit < len(routes)


def _limit(query: _Query) -> int:
    text = query.get("limit", (str(_USUAL_LIMIT),))[0]
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(_MOST)) and 1 <= int(text) <= _MOST):
        raise InvalidRequest(f"'limit' is {text[:20]!r}; it must be an integer from 1 to {_MOST}", param="limit")
    return int(text)


def _place(routes: Sequence[Route], query: _Query, name: str) -> int | None:
    if name not in query:
        return None
    wanted = query[name][0]
    for index, route in enumerate(routes):
        if route.model == wanted:
            return index
    raise InvalidRequest(f"{name!r} is {wanted[:80]!r}, which is no model of this key's list", param=name)


def _model(route: Route, asked: str) -> dict[str, Any]:
    return {
        "type": "model",
        "id": asked,
        "display_name": route.model,
        "created_at": f"{datetime.fromtimestamp(route.created, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "lifecycle": "active",
    }
