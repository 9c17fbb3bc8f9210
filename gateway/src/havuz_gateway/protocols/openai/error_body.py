"""OpenAI's error object for an error of any provider. https://platform.openai.com/docs/guides/error-codes"""

from typing import Any

from havuz_gateway.protocols.errors import ProviderError

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "insufficient_balance",
    403: "permission_error",
    404: "not_found_error",
    413: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
    503: "service_unavailable",
    504: "timeout_error",
    529: "service_unavailable",
}
_STATUSES = {529: 503}  # Anthropic's own status for too much load


def encode_error(status: int, error: ProviderError, request_id: str | None) -> dict[str, Any]:
    """The body of an error. OpenAI tells the request's id in a header only."""
    kind = _TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return {
        "error": {
            "message": error.message,
            "type": kind,
            "param": error.param,
            "code": error.code if error.code is not None else _STATUSES.get(status, status),
        }
    }
