"""How an error looks to an OpenAI client: https://platform.openai.com/docs/guides/error-codes."""

import json

from havuz_gateway.errors import GatewayError, UpstreamRefused
from havuz_gateway.pipeline.exchange import Request
from havuz_gateway.surfaces.base import Rendered

JSON_HEADERS = {"content-type": "application/json"}


def render_error(error: GatewayError, request: Request) -> Rendered:
    """A whole answer. A provider's own body, already in this form, is passed on as it came."""
    if isinstance(error, UpstreamRefused) and error.body is not None:
        return Rendered(status=error.status, headers=JSON_HEADERS, body=error.body)
    return Rendered(status=error.status, headers=JSON_HEADERS, body=_encoded(error))


def stream_error(error: GatewayError, request: Request) -> bytes:
    """An event that OpenAI's SDKs raise as an error. No `[DONE]` follows it."""
    return b"data: " + _encoded(error) + b"\n\n"


def _encoded(error: GatewayError) -> bytes:
    return json.dumps(
        {
            "error": {
                "message": error.message,
                "type": error.type,
                "code": error.status if error.code is None else error.code,
                "param": error.param,
            }
        },
        separators=(",", ":"),
    ).encode()
