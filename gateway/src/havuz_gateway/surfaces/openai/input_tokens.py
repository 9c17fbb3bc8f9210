"""`POST …/responses/input_tokens`: https://platform.openai.com/docs/api-reference/responses/input-tokens.

A local estimate, the same by which limits are reserved; a header says so.
"""

import json

from havuz_gateway.metering.estimate import estimate
from havuz_gateway.pipeline.authenticate import authenticate
from havuz_gateway.pipeline.exchange import Request, Writer
from havuz_gateway.pipeline.plan import find_route
from havuz_gateway.pipeline.services import Services
from havuz_gateway.protocols.openai_responses.request import read_response_request
from havuz_gateway.surfaces.openai.body import decode
from havuz_gateway.surfaces.openai.errors import JSON_HEADERS
from havuz_gateway.surfaces.openai.responses_errors import PROTOCOL


async def input_tokens(request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
    """The tokens of a request that is not made. Raises `InvalidRequest`, `NotFound` or `PermissionDenied`."""
    identity = authenticate(request, credential, PROTOCOL, services)
    body = decode(request.body)
    fields = read_response_request(body.fields)
    find_route(fields.model, identity, services)
    counted = estimate("chat", body.fields, body.raw, protocol=PROTOCOL).input
    answer = {"object": "response.input_tokens", "input_tokens": counted}
    await writer.respond(200, {**JSON_HEADERS, "x-havuz-estimated": "true"}, json.dumps(answer).encode())
