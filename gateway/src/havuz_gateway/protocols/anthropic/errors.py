"""Anthropic's errors, both ways: https://platform.claude.com/docs/en/api/errors."""

import html
import re
from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.protocols.json_text import dump, load

_MESSAGE_LIMIT = 1_000
_READ_LIMIT = 8_192
_MARKUP = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def read_error(body: bytes) -> ProviderError:
    """The error in the body of a refused call; whatever came is read, and nothing here raises."""
    try:
        decoded = load(body)
    except ValueError:
        return ProviderError(message=_plain_text(body))
    if isinstance(decoded, Mapping):
        return read_stream_error(decoded) or ProviderError(message=_bounded(dump(decoded)))
    return ProviderError(message=_bounded(decoded if isinstance(decoded, str) else dump(decoded)))


def read_stream_error(event: Mapping[str, Any]) -> ProviderError | None:
    """The error that a decoded event or body carries, or None for one that carries none."""
    error = event.get("error")
    if isinstance(error, str) and error:
        return ProviderError(message=_bounded(error))
    if not isinstance(error, Mapping):
        return ProviderError(message=_bounded(dump(event))) if event.get("type") == "error" else None
    details = error.get("details")
    named = details.get("error_code") if isinstance(details, Mapping) else None
    return ProviderError(
        message=_bounded(str(error.get("message") or "")),
        type=_text(error.get("type")),
        code=_text(named) or _text(error.get("code")),
    )


def encode_error(status: int, error: ProviderError, request_id: str | None) -> dict[str, Any]:
    """The body of an error in Anthropic's form."""
    kind = _TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": error.message}, "request_id": request_id}


def _plain_text(body: bytes) -> str:
    text = body[:_READ_LIMIT].decode("utf-8", errors="replace")
    return _bounded(html.unescape(_MARKUP.sub(" ", text)) if "<" in text else text)


def _bounded(text: str) -> str:
    return " ".join(text[: 2 * _MESSAGE_LIMIT].split())[:_MESSAGE_LIMIT]


def _text(value: Any) -> str | None:
    return _bounded(value) if isinstance(value, str) and value else None
