"""Inputs that ask the mock for trouble."""

import json
import re
from dataclasses import dataclass

_ERROR = re.compile(r"havuz:error=(\d{3})")
_TYPES = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", "unsupported_country_region_territory"),
    404: ("invalid_request_error", "model_not_found"),
    408: ("timeout", None),
    409: ("conflict_error", None),
    422: ("invalid_request_error", None),
    429: ("requests", "rate_limit_exceeded"),
    500: ("server_error", None),
    502: ("server_error", None),
    503: ("server_error", None),
    504: ("server_error", None),
    529: ("overloaded_error", None),
}
_WORDS = {
    "havuz:timeout": "hang",
    "havuz:slow": "slow",
    "havuz:stream-break": "break",
    "havuz:length": "length",
    "havuz:refusal": "refusal",
}
_WAIT_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Special:
    """What an input asks for: an error status, or one of `hang`, `slow`, `break`, `length`, `refusal`."""

    status: int | None = None
    behaviour: str | None = None


NOTHING = Special()


def special_of(text: str) -> Special:
    """What `text`, the whole last user message, asks for."""
    word = text.strip()
    if not word.startswith("havuz:"):
        return NOTHING
    asked = _ERROR.fullmatch(word)
    if asked is not None and int(asked[1]) in _TYPES:
        return Special(status=int(asked[1]))
    return Special(behaviour=_WORDS.get(word))


def error_answer(status: int) -> tuple[dict[str, str], bytes]:
    """Headers and body of an error as OpenAI would send it."""
    kind, code = _TYPES[status]
    headers = {"content-type": "application/json"}
    if status in (429, 503):
        headers["retry-after"] = str(_WAIT_SECONDS)
    message = f"The mock provider was asked for status {status}."
    error = {"message": message, "type": kind, "param": None, "code": code}
    return headers, json.dumps({"error": error}).encode()
