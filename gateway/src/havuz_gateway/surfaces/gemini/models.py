"""`GET …/models` and `GET …/models/{model}` in Google's form: https://ai.google.dev/api/models."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from havuz_contract.snapshot.models import Route
from havuz_gateway.errors import InvalidRequest
from havuz_gateway.pipeline.authenticate import authenticate
from havuz_gateway.pipeline.exchange import Request, Writer
from havuz_gateway.pipeline.plan import find_offered
from havuz_gateway.pipeline.services import Services
from havuz_gateway.protocols.gemini.request import MODEL_FOLDER
from havuz_gateway.protocols.gemini.wire import PROTOCOL
from havuz_gateway.protocols.json_text import dump
from havuz_gateway.surfaces.gemini.errors import JSON_HEADERS

_USUAL_SIZE, _MOST = 50, 1_000
_METHODS = {
    "chat": ("generateContent", "streamGenerateContent", "countTokens"),
    "embeddings": ("embedContent", "batchEmbedContents"),
}
_Query = Mapping[str, tuple[str, ...]]


async def list_models(request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
    """The models of the key's project that its rights cover, by id, a page at once. Raises `InvalidRequest`."""
    identity = authenticate(request, credential, PROTOCOL, services)
    routes = services.view().routes(identity.project, services.wall())
    page, more = _page(routes, request.query)
    answer: dict[str, Any] = {"models": [_model(route, route.model) for route in page]}
    if more:
        answer["nextPageToken"] = base64.urlsafe_b64encode(page[-1].model.encode()).decode()
    await writer.respond(200, JSON_HEADERS, dump(answer).encode())


async def retrieve_model(
    model: str, request: Request, writer: Writer, *, credential: str | None, services: Services
) -> None:
    """One model, by its id or an alias; ids may contain slashes. Raises what `find_offered` does."""
    identity = authenticate(request, credential, PROTOCOL, services)
    route = find_offered(model, identity, services)
    await writer.respond(200, JSON_HEADERS, dump(_model(route, model)).encode())


def _page(routes: Sequence[Route], query: _Query) -> tuple[Sequence[Route], bool]:
    """The routes behind the last one of the page before, and whether more follow."""
    size, last = _size(query), _last(query)
    left = [route for route in routes if last is None or route.model > last]
    return left[:size], len(left) > size


def _size(query: _Query) -> int:
    """Above the most, it is the most, as with Google."""
    text = query.get("pageSize", ("",))[0] or "0"
    if not (text.isascii() and text.isdecimal()) or len(text) > 9:
        raise InvalidRequest(f"'pageSize' is {text[:20]!r}; it must be an integer from 1 to {_MOST}", param="pageSize")
    return min(int(text) or _USUAL_SIZE, _MOST)


def _last(query: _Query) -> str | None:
    """The last model of the page before, which is what a page's token says."""
    token = query.get("pageToken", ("",))[0]
    if not token:
        return None
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidRequest(
            "'pageToken' is none that this list gave out: send the 'nextPageToken' of the page before, or leave it out",
            param="pageToken",
        ) from None


def _model(route: Route, asked: str) -> dict[str, Any]:
    windows = [target.context_window for target in route.targets if target.context_window is not None]
    return {
        "name": MODEL_FOLDER + asked,
        "baseModelId": route.model,
        "version": "001",
        "displayName": route.model,
        **({"inputTokenLimit": max(windows)} if windows else {}),
        "supportedGenerationMethods": [
            method for operation, methods in _METHODS.items() if operation in route.operations for method in methods
        ],
    }
