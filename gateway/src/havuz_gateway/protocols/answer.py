"""A whole answer as the pipeline sees it, whatever protocol it came in."""

from dataclasses import field
from typing import Any

from havuz_gateway.protocols.errors import AnswerUnreadable, ProviderError
from havuz_gateway.protocols.json_text import load
from havuz_gateway.protocols.usage import Usage
from havuz_gateway.values import frozen


@frozen
class Answer:
    """`body` is what the client is sent. `error` is one that the provider told under status 200.

    `size` is the bytes of what was said, for an answer without `usage`; `dropped` names what could not be passed on.
    """

    body: bytes = field(repr=False)
    usage: Usage | None = None
    id: str | None = None
    model: str | None = None
    finish_reasons: tuple[str, ...] = ()
    error: ProviderError | None = None
    size: int = 0
    dropped: tuple[str, ...] = ()
    content_type: str = "application/json"


def decode_answer(body: bytes) -> dict[str, Any]:
    """The JSON object that an answer must be. Raises `AnswerUnreadable`."""
    try:
        fields = load(body)
    except ValueError:
        raise AnswerUnreadable("the provider's answer is not JSON") from None
    if not isinstance(fields, dict):
        raise AnswerUnreadable("the provider's answer is not a JSON object")
    return fields


def text_or_none(value: Any) -> str | None:
    """`value` where it is a text."""
    return value if isinstance(value, str) else None
