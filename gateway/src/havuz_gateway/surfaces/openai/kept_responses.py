"""`…/responses/{id}` and what is below it: responses that were kept, each seen by its own project alone.

https://platform.openai.com/docs/api-reference/responses/get
"""

import json
from typing import Any

from havuz_gateway.errors import InvalidRequest, MethodNotAllowed, NotFound
from havuz_gateway.pipeline.authenticate import authenticate
from havuz_gateway.pipeline.exchange import Request, Writer
from havuz_gateway.pipeline.services import Services
from havuz_gateway.responses.items import listed
from havuz_gateway.responses.record import Record
from havuz_gateway.surfaces.openai.errors import JSON_HEADERS
from havuz_gateway.surfaces.openai.responses_errors import PROTOCOL

RESPONSE_PREFIXES = ("/v1/responses/", "/api/v1/responses/")
_QUOTED = 80
_USUAL_LIMIT, _MOST = 20, 100
_BELOW = {"input_items": "GET", "cancel": "POST"}


async def read(request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
    """The response itself, or the items that it answered. Raises `NotFound`, `ServiceUnavailable`, `InvalidRequest`."""
    identity = authenticate(request, credential, PROTOCOL, services)
    response_id, below = _place(request)
    if _asked(request, "stream") == "true":
        raise InvalidRequest(
            "only a response that was made in the background can be streamed again: read it without 'stream'",
            param="stream",
        )
    record = await _found(identity.project.uid, response_id, services)
    await _send(writer, _list(request, record) if below else record.response)


async def delete(request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
    """Forget a response. Raises `NotFound`, `ServiceUnavailable`."""
    identity = authenticate(request, credential, PROTOCOL, services)
    response_id, _ = _place(request)
    if not await services.responses.forget(identity.project.uid, response_id):
        raise _missing(response_id)
    await _send(writer, {"id": response_id, "object": "response", "deleted": True})


async def cancel(request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
    """Nothing can be cancelled: every response is over when its id is known. Raises `NotFound`, `InvalidRequest`."""
    identity = authenticate(request, credential, PROTOCOL, services)
    response_id, _ = _place(request)
    await _found(identity.project.uid, response_id, services)
    raise InvalidRequest(
        "only a response that was made in the background can be cancelled; to stop a stream, close its connection"
    )


def _place(request: Request) -> tuple[str, str]:
    """The id and what is asked for below it, nothing or a name. Raises `NotFound`, `MethodNotAllowed`."""
    prefix = next(prefix for prefix in RESPONSE_PREFIXES if request.path.startswith(prefix))
    response_id, slash, below = request.path.removeprefix(prefix).partition("/")
    if (slash and below not in _BELOW) or not response_id:
        raise NotFound(f"the path {request.path[:200]!r} does not exist: check the endpoint's name")
    allowed = (_BELOW[below],) if below else ("GET", "DELETE")
    if request.method not in (*allowed, *(("HEAD",) if "GET" in allowed else ())):
        allow = ", ".join(allowed)
        raise MethodNotAllowed(
            f"{request.path[:200]!r} does not take {request.method!r}: use {allow}", headers={"allow": allow}
        )
    return response_id, below


async def _found(project_uid: str, response_id: str, services: Services) -> Record:
    record = await services.responses.find(project_uid, response_id)
    if record is None:
        raise _missing(response_id)
    return record


def _missing(response_id: str) -> NotFound:
    return NotFound(
        f"Response with id {response_id[:_QUOTED]!r} not found: it was not stored, has expired, was deleted, or is not "
        "of your project"
    )


def _list(request: Request, record: Record) -> dict[str, Any]:
    items = listed(record)
    if _order(request) == "desc":
        items.reverse()
    after = _asked(request, "after")
    if after is not None:
        place = next((index for index, item in enumerate(items) if item["id"] == after), None)
        if place is None:
            raise InvalidRequest(f"'after' is {after[:_QUOTED]!r}, which is no item of this response", param="after")
        items = items[place + 1 :]
    page = items[: _limit(request)]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": len(page) < len(items),
    }


def _order(request: Request) -> str:
    order = _asked(request, "order") or "desc"
    if order not in ("asc", "desc"):
        raise InvalidRequest(f"'order' is {order[:_QUOTED]!r}: use asc or desc", param="order")
    return order


def _limit(request: Request) -> int:
    text = _asked(request, "limit")
    if text is None:
        return _USUAL_LIMIT
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(_MOST)) and 1 <= int(text) <= _MOST):
        raise InvalidRequest(f"'limit' is {text[:_QUOTED]!r}: use a number from 1 to {_MOST}", param="limit")
    return int(text)


def _asked(request: Request, name: str) -> str | None:
    values = request.query.get(name)
    return values[0] if values else None


async def _send(writer: Writer, answer: Any) -> None:
    headers = {**JSON_HEADERS, "cache-control": "no-store"}
    await writer.respond(200, headers, json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode())
