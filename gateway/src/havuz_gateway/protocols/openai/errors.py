"""Errors of providers that speak OpenAI's protocol, or nearly: whatever came is read, and nothing here raises.

Seen in the wild: OpenAI's object; a list of one (Google); `error` as plain text (Ollama); the members at the top level
(vLLM, Mistral); `detail` (FastAPI servers); `errors` (Cloudflare); HTML of a proxy in between; nothing at all.
"""

import html
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.errors import ProviderError

_MESSAGE_LIMIT = 1_000
_READ_LIMIT = 8_192  # of a body that is no JSON
_MARKUP = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_DELAY = re.compile(r"(\d+(?:\.\d+)?)s")


def read_error(body: bytes) -> ProviderError:
    """The error in the body of a refused call; text that is no JSON becomes the message, without its markup."""
    try:
        decoded = json.loads(body)
    except (ValueError, RecursionError):
        return ProviderError(message=_plain_text(body))
    return _from_json(decoded)


def read_stream_error(event: Mapping[str, Any]) -> ProviderError | None:
    """The error that a decoded stream event carries, or None for an event that is none."""
    if event.get("error") or event.get("object") == "error" or event.get("type") == "error":
        return _from_json(event)
    return None


def _from_json(decoded: Any) -> ProviderError:
    if isinstance(decoded, list) and decoded:
        decoded = decoded[0]
    if not isinstance(decoded, Mapping):
        return ProviderError(message=_bounded(decoded if isinstance(decoded, str) else json.dumps(decoded)))
    inner = decoded.get("error")
    if isinstance(inner, Mapping):
        return _from_members(inner)
    if isinstance(inner, str) and inner:
        message = decoded.get("message") or decoded.get("error_description") or inner
        return ProviderError(message=_words(message), type=_text(decoded.get("type")), code=_code(decoded.get("code")))
    return _from_members(decoded)


def _from_members(members: Mapping[str, Any]) -> ProviderError:
    """The members of an error object, under the names that providers use."""
    said = next((members[name] for name in ("message", "detail", "errors", "msg") if members.get(name)), None)
    retry_delay, quota = _google_details(members.get("details"))
    return ProviderError(
        message=_words(said),
        type=_text(members.get("type")),
        code=_code(members.get("code")),
        param=_text(members.get("param")),
        status=_text(members.get("status")),
        retry_delay=retry_delay,
        quota=quota,
    )


def _google_details(details: Any) -> tuple[float | None, str | None]:
    """RetryInfo's delay and QuotaFailure's quotas. https://cloud.google.com/apis/design/errors#error_details"""
    retry_delay: float | None = None
    quotas: list[str] = []
    for detail in details if isinstance(details, list) else ():
        if not isinstance(detail, Mapping):
            continue
        delay = _DELAY.fullmatch(str(detail.get("retryDelay", "")))
        if delay is not None and math.isfinite(float(delay[1])):
            retry_delay = float(delay[1])
        violations = detail.get("violations")
        quotas += (
            str(violation["quotaId"])
            for violation in (violations if isinstance(violations, list) else ())
            if isinstance(violation, Mapping) and violation.get("quotaId")
        )
    return retry_delay, _text(" ".join(quotas))


def _words(said: Any) -> str:
    """The sentence in what stands where a message is expected."""
    match said:
        case str():
            return _bounded(said)
        case [first, *_]:
            return _words(first)
        case {"message": inner} | {"msg": inner} | {"detail": inner}:
            return _words(inner)
        case None:
            return ""
        case _:
            return _bounded(json.dumps(said, ensure_ascii=False))


def _plain_text(body: bytes) -> str:
    text = body[:_READ_LIMIT].decode("utf-8", errors="replace")
    if "<" in text:
        text = html.unescape(_MARKUP.sub(" ", text))
    return _bounded(text)


def _bounded(text: str) -> str:
    return " ".join(text[: 2 * _MESSAGE_LIMIT].split())[:_MESSAGE_LIMIT]


def _text(value: Any) -> str | None:
    return _bounded(value) if isinstance(value, str) and value else None


def _code(value: Any) -> str | int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return _text(value)
