"""How an error looks to a client of Google's: https://ai.google.dev/gemini-api/docs/troubleshooting."""

from havuz_gateway.errors import GatewayError, UpstreamRefused
from havuz_gateway.pipeline.exchange import Request
from havuz_gateway.protocols import sse
from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.protocols.gemini.errors import encode_error
from havuz_gateway.protocols.json_text import dump
from havuz_gateway.surfaces.base import Rendered

JSON_HEADERS = {"content-type": "application/json; charset=UTF-8"}


def render_error(error: GatewayError, request: Request) -> Rendered:
    """A whole answer. A provider's own body, already in this form, is passed on as it came."""
    if isinstance(error, UpstreamRefused) and error.body is not None:
        return Rendered(status=error.status, headers=JSON_HEADERS, body=error.body)
    return Rendered(status=error.status, headers=JSON_HEADERS, body=_encoded(error))


def stream_error(error: GatewayError, request: Request) -> bytes:
    """An event that holds the same body. No `finishReason` follows it."""
    return sse.encode(_encoded(error))


def _encoded(error: GatewayError) -> bytes:
    told = ProviderError(error.message, param=error.param, retry_delay=error.retry_after)
    return dump(encode_error(error.status, told, None)).encode()
