"""Errors inside an answer or a stream: the object `error`, or an `error` event, flat as documented or nested as sent.

https://platform.openai.com/docs/api-reference/responses-streaming/error
"""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.protocols.neutral.errors import status_of
from havuz_gateway.protocols.openai.error_body import encode_error
from havuz_gateway.protocols.openai.errors import read_stream_error

_CODES = {400: "invalid_prompt", 429: "rate_limit_exceeded"}


def read_failure(response: Mapping[str, Any]) -> ProviderError | None:
    """The error of a response object that failed; None for one that did not."""
    error = read_stream_error(response)
    if error is not None:
        return error
    if response.get("status") == "failed":
        return ProviderError("the provider's response failed and does not say why", code="server_error")
    return None


def read_event_error(event: Mapping[str, Any]) -> ProviderError:
    """What an `error` event says. A flat one's `type` is the event's, and says nothing of the error."""
    nested = isinstance(event.get("error"), Mapping | str)
    error = read_stream_error(event if nested else {"error": {**event, "type": None}})
    return error or ProviderError("the provider's stream ended with an error that says nothing", code="server_error")


def write_error_event(error: ProviderError, *, open_responses: bool) -> dict[str, Any]:
    """An `error` event. Open Responses has it nested; for OpenAI it is both, because its SDK raises on the nested."""
    body: dict[str, Any] = encode_error(status_of(error), error, None)["error"] | {"code": _code(error)}
    flat = {} if open_responses else {"code": _code(error), "message": error.message, "param": error.param}
    return {"type": "error", **flat, "error": body}


def write_failure(error: ProviderError) -> dict[str, Any]:
    """The `error` of a response that failed."""
    return {"code": _code(error), "message": error.message}


def _code(error: ProviderError) -> str:
    return error.code if isinstance(error.code, str) else _CODES.get(status_of(error), "server_error")
