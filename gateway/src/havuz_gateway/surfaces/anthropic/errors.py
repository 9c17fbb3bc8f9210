"""How an error looks to an Anthropic client: https://platform.claude.com/docs/en/api/errors."""

from typing import Any

from havuz_gateway.errors import GatewayError, UpstreamRefused
from havuz_gateway.pipeline.exchange import Request
from havuz_gateway.protocols.anthropic.errors import encode_error
from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.protocols.json_text import dump
from havuz_gateway.surfaces.base import Rendered

JSON_HEADERS = {"content-type": "application/json"}
_NO_MONEY = 402


def render_error(error: GatewayError, request: Request) -> Rendered:
    """A whole answer. A provider's own body, already in this form, is passed on as it came."""
    if isinstance(error, UpstreamRefused) and error.body is not None:
        return Rendered(status=error.status, headers=JSON_HEADERS, body=error.body)
    # a client is not to take a 402 for a fault of its payment at Anthropic's
    status = 403 if error.status == _NO_MONEY else error.status
    return Rendered(status=status, headers=JSON_HEADERS, body=dump(_body(error, request)).encode())


def stream_error(error: GatewayError, request: Request) -> bytes:
    """An event that Anthropic's SDKs raise as an error. No `message_stop` follows it."""
    return f"event: error\ndata: {dump(_body(error, request))}\n\n".encode()


def _body(error: GatewayError, request: Request) -> dict[str, Any]:
    return encode_error(error.status, ProviderError(error.message), request.id)
