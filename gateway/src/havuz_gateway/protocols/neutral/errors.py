"""What can go wrong between a wire and the neutral form. Requests fail with a 400, answers with a provider's fault."""

from typing import Any

from havuz_gateway.errors import InvalidRequest
from havuz_gateway.protocols.errors import AnswerUnreadable, ProviderError

__all__ = [
    "AnswerFailed", "AnswerUnreadable", "CannotExpress", "StreamTruncated", "UnknownContent", "cannot_say", "status_of",
    "unknown_type", "wrong_answer", "wrong_field",
]  # fmt: skip


class UnknownContent(InvalidRequest):
    """The request holds something that no codec knows; `param` is where."""


class CannotExpress(InvalidRequest):
    """The target's protocol has no way to say something that must not be left out; `param` is where."""


class StreamTruncated(AnswerUnreadable):
    """The provider's stream stopped before its protocol's own end."""


class AnswerFailed(AnswerUnreadable):
    """The provider ended its answer with an error; `error` is what it said."""

    def __init__(self, error: ProviderError) -> None:
        super().__init__(error.message)
        self.error = error


def wrong_field(path: str, value: Any, wanted: str) -> InvalidRequest:
    """The complaint about one field of a request."""
    return InvalidRequest(f"{path!r} is {_described(value)}; it must be {wanted}", param=path)


def wrong_answer(path: str, value: Any, wanted: str) -> AnswerUnreadable:
    """The complaint about one field of an answer."""
    return AnswerUnreadable(f"the provider's answer has {_described(value)} at {path!r}, not {wanted}")


def unknown_type(path: str, kind: object, protocol: str) -> UnknownContent:
    """The complaint about a content, tool or format of a type that nobody here knows."""
    return UnknownContent(
        f"{path!r} is of the type {_shown(kind)}, which is not known for {protocol}; send a documented type", param=path
    )


def cannot_say(path: str, what: str, protocol: str) -> CannotExpress:
    """The complaint about something that a protocol has no word for."""
    return CannotExpress(
        f"{path!r} holds {what}, which the model's provider cannot be told ({protocol}); "
        "remove it or choose another model",
        param=path,
    )


def _described(value: Any) -> str:
    match value:
        case None:
            return "missing or null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"


def _shown(kind: object) -> str:
    return ascii(kind[:60]) if isinstance(kind, str) else _described(kind)


_STATUS = {
    "invalid_request_error": 400,
    "invalid_prompt": 400,
    "context_length_exceeded": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "tokens": 429,
    "requests": 429,
    "api_error": 500,
    "server_error": 500,
    "internal_server_error": 500,
    "service_unavailable": 503,
    "timeout_error": 504,
    "overloaded_error": 529,
}


def status_of(error: ProviderError) -> int:
    """The HTTP status that an error in a stream, which has none, would have had. 500 where its words say nothing."""
    if isinstance(error.code, int) and 400 <= error.code <= 599:
        return error.code
    return _STATUS.get(error.type or "") or _STATUS.get(str(error.code)) or 500
