"""Errors of every surface: one table of statuses, and the forms in which they are told."""

from collections.abc import Iterator
from typing import Any, Literal, get_args

from havuz_gateway import errors
from havuz_gateway.surfaces.openapi.headers import LIMITS, referred
from havuz_gateway.surfaces.openapi.schema import Schema, constant, either, nullable, record, ref, text, whole

Errors = Literal["OpenAI", "Anthropic", "Google", "Any", "Order", "Picture"]
_JSON = "application/json"
STATUSES: dict[int, str] = {
    400: "The request is malformed. The message names the field, and what it must be.",
    401: "There is no key, or none that is valid: check that it was copied whole, and has not been replaced.",
    402: "The balance does not pay for this request, or the model has no price: top up, or bound the answer.",
    403: "The key may not do this: not this model, protocol or host, or the project is suspended.",
    404: "There is no such path, model or object.",
    408: "The body did not arrive in time.",
    413: "The body is too large: send less in one request.",
    429: "Too much at once: wait `retry-after` seconds.",
    500: "A fault of the gateway: report it with `x-request-id`.",
    503: "Nothing can answer this now: wait `retry-after` seconds.",
    504: "The request's deadline passed: repeating it as it is would spend it again.",
}
_PROXIED_ONLY = (402, 429, 504)
_KEYED_ONLY = (401, 402, 403)
_WAITING = ("retry-after", "retry-after-ms")
_HEADERS = {429: _WAITING, 503: _WAITING}
_OTHER = "Another error, in the same form: the status and the message say what it is."


def _known() -> Iterator[type[errors.GatewayError]]:
    waiting = [errors.GatewayError]
    while waiting:
        kind = waiting.pop()
        yield kind
        waiting += kind.__subclasses__()


TYPES = sorted({kind.type for kind in _known()})
_MESSAGE = text("What happened, and what to do next.")

SCHEMAS: dict[str, Schema] = {
    "OpenAIError": record(
        {
            "error": record(
                {
                    "message": _MESSAGE,
                    "type": nullable(
                        text("What kind of error it is; a provider's own where it refused.", examples=TYPES)
                    ),
                    "code": nullable(
                        either(
                            whole(), text(), words="The status; the provider's code where the error is the provider's."
                        )
                    ),
                    "param": nullable(text("The field that is wrong, such as `messages[0].role`.")),
                }
            )
        }
    ),
    "AnthropicError": record(
        {"type": constant("error"), "error": record({"type": text(), "message": _MESSAGE})},
        {"request_id": nullable(text("The same as `x-request-id`."))},
    ),
    "GoogleError": record(
        {
            "error": record(
                {"code": whole("The status."), "message": _MESSAGE, "status": text("Google's name of the status.")},
                {"details": {"type": "array", "items": {"type": "object"}}},
            )
        }
    ),
    "AnyError": either(ref("OpenAIError"), ref("AnthropicError"), ref("GoogleError")),
    "OrderError": record(
        {"code": whole("The status."), "message": _MESSAGE, "data": {"type": "null"}},
    ),
    "PictureError": record(
        {
            "status": constant("error"),
            "jobid": {"type": "null"},
            "signature": {"type": "null"},
            "message": _MESSAGE,
        }
    ),
}


def error_answers(form: Errors, *, proxied: bool, keyed: bool) -> dict[str, Any]:
    """The errors of one operation, as references to those of the document."""
    left_out = (() if proxied else _PROXIED_ONLY) + (() if keyed else _KEYED_ONLY)
    named = {str(status): f"{form}{status}" for status in STATUSES if status not in left_out}
    if form == "Anthropic":
        named.pop("402", None)  # on this surface it is a 403
    named["default"] = f"{form}Other"
    return {status: {"$ref": f"#/components/responses/{name}"} for status, name in named.items()}


def _answer(form: str, words: str, headers: tuple[str, ...]) -> dict[str, Any]:
    return {
        "description": words,
        "headers": referred("x-request-id", "x-havuz-attempts", "x-should-retry", *LIMITS, *headers),
        "content": {_JSON: {"schema": ref(f"{form}Error")}},
    }


RESPONSES: dict[str, Any] = {
    **{
        f"{form}{status}": _answer(form, words, _HEADERS.get(status, ()))
        for form in get_args(Errors)
        for status, words in STATUSES.items()
        if (form, status) != ("Anthropic", 402)
    },
    **{f"{form}Other": _answer(form, _OTHER, ()) for form in get_args(Errors)},
}
