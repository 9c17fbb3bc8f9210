"""Google's errors, both ways: https://google.aip.dev/193 and https://ai.google.dev/gemini-api/docs/troubleshooting."""

from typing import Any

from havuz_gateway.protocols.error_bodies import read_error, read_stream_error
from havuz_gateway.protocols.errors import ProviderError

__all__ = ["encode_error", "read_error", "read_stream_error"]

_WORDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    529: "UNAVAILABLE",
}
_STATUSES = {529: 503}  # Anthropic's own status for too much load
_RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"


def encode_error(status: int, error: ProviderError, request_id: str | None) -> dict[str, Any]:
    """The body of an error. Google tells the request's id in no member of it."""
    word = _WORDS.get(status, "INTERNAL" if status >= 500 else "INVALID_ARGUMENT")
    members: dict[str, Any] = {"code": _STATUSES.get(status, status), "message": error.message, "status": word}
    if error.retry_delay is not None:
        members["details"] = [{"@type": _RETRY_INFO, "retryDelay": f"{error.retry_delay:g}s"}]
    return {"error": members}
