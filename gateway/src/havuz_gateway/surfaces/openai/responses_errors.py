"""How an error looks on the Responses API: a whole answer as everywhere at OpenAI, an event of its own in a stream.

https://platform.openai.com/docs/api-reference/responses-streaming/error
"""

import json
from typing import Any

from havuz_gateway.errors import GatewayError
from havuz_gateway.pipeline.exchange import Request

PROTOCOL = "openai_responses"


def stream_error(error: GatewayError, request: Request) -> bytes:
    """The event that ends a stream which had begun."""
    return error_event(error, sequence_number=0)


def error_event(error: GatewayError, *, sequence_number: int) -> bytes:
    """The documented members at the top, and the object that makes OpenAI's SDKs raise under `error`."""
    code = error.status if error.code is None else error.code
    event: dict[str, Any] = {
        "type": "error",
        "code": str(code),
        "message": error.message,
        "param": error.param,
        "sequence_number": sequence_number,
        "error": {"message": error.message, "type": error.type, "code": code, "param": error.param},
    }
    return b"event: error\ndata: " + json.dumps(event, separators=(",", ":")).encode() + b"\n\n"
