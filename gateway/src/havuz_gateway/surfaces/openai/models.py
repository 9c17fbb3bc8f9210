"""`GET …/models` and `GET …/models/{id}`: the models a key may use, with every field that OpenAI's clients know."""

import json
from typing import Any

from havuz_contract.snapshot.models import Route
from havuz_gateway.pipeline.authenticate import authenticate
from havuz_gateway.pipeline.exchange import Request, Writer
from havuz_gateway.pipeline.plan import find_offered
from havuz_gateway.pipeline.services import Services
from havuz_gateway.surfaces.openai.chat import PROTOCOL
from havuz_gateway.surfaces.openai.errors import JSON_HEADERS

MODEL_PREFIXES = ("/v1/models/", "/api/v1/models/")


async def list_models(request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
    """Every model of the key's project that its rights cover, by id."""
    identity = authenticate(request, credential, PROTOCOL, services)
    routes = services.view().routes(identity.project, services.wall())
    await _send(writer, {"object": "list", "data": [_model(route, route.model) for route in routes]})


async def retrieve_model(request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
    """One model, by its id or an alias; ids may contain slashes. Raises what `find_offered` does."""
    identity = authenticate(request, credential, PROTOCOL, services)
    prefix = next(prefix for prefix in MODEL_PREFIXES if request.path.startswith(prefix))
    asked = request.path.removeprefix(prefix)
    await _send(writer, _model(find_offered(asked, identity, services), asked))


def _model(route: Route, asked: str) -> dict[str, Any]:
    return {
        "id": asked,
        "object": "model",
        "created": route.created,
        "owned_by": route.owned_by,
        "permission": [],
        "root": route.model,
        "parent": None,
    }


async def _send(writer: Writer, answer: dict[str, Any]) -> None:
    await writer.respond(200, JSON_HEADERS, json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode())
