"""Google's errors, both ways: https://google.aip.dev/193 and https://ai.google.dev/gemini-api/docs/troubleshooting."""

import re
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
_BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
_PLACE = re.compile(r"(?:\bmessages(\[\d+\])|(?:(?<=')|^)system(?=[.']|$))(?:\.content(\[\d+\])?)?")


def encode_error(status: int, error: ProviderError, request_id: str | None) -> dict[str, Any]:
    """The body of an error. Google tells the request's id in no member of it.

    Where the error names a field, its place among the neutral messages is told as one among Google's contents.
    """
    word = _WORDS.get(status, "INTERNAL" if status >= 500 else "INVALID_ARGUMENT")
    message = error.message if error.param is None else _in_contents(error.message)
    details: list[dict[str, Any]] = []
    if error.param is not None:
        violation = {"field": _in_contents(error.param), "description": message}
        details.append({"@type": _BAD_REQUEST, "fieldViolations": [violation]})
    if error.retry_delay is not None:
        details.append({"@type": _RETRY_INFO, "retryDelay": f"{error.retry_delay:g}s"})
    members: dict[str, Any] = {"code": _STATUSES.get(status, status), "message": message, "status": word}
    return {"error": {**members, "details": details} if details else members}


def _in_contents(text: str) -> str:
    """`messages[1].content[2]` is `contents[1].parts[2]` here, and `system` is `systemInstruction`."""

    def told(place: re.Match[str]) -> str:
        front = f"contents{place[1]}" if place[1] else "systemInstruction"
        return front + (f".parts{place[2]}" if place[2] else ".parts" if ".content" in place[0] else "")

    return _PLACE.sub(told, text)
