"""Reading a whole JSON answer for the few things the gateway needs; the bytes themselves are relayed."""

import json
from dataclasses import dataclass
from typing import Any

from havuz_gateway.protocols.openai_chat.usage import read_usage
from havuz_gateway.protocols.usage import Usage

_ANSWER_MEMBER = {"chat": "choices", "embeddings": "data"}


class AnswerError(ValueError):
    """A 200 whose body is no answer: not JSON, or without the member that carries the result."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was read from an answer. `fields` is the decoded body."""

    fields: dict[str, Any]
    usage: Usage | None
    id: str | None
    model: str | None
    finish_reasons: tuple[str, ...]


def read_answer(operation: str, body: bytes) -> Answer:
    """Read the answer to `operation`. An error object under status 200 is returned in `fields["error"]`.

    Raises `AnswerError`.
    """
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise AnswerError("the provider's answer is not JSON") from None
    if not isinstance(fields, dict):
        raise AnswerError("the provider's answer is not a JSON object")
    member = _ANSWER_MEMBER[operation]
    if not isinstance(fields.get(member), list) and not fields.get("error"):
        raise AnswerError(f"the provider's answer has no {member!r}")
    return Answer(
        fields=fields,
        usage=read_usage(fields.get("usage")),
        id=text_or_none(fields.get("id")),
        model=text_or_none(fields.get("model")),
        finish_reasons=finish_reasons(fields),
    )


def finish_reasons(fields: dict[str, Any]) -> tuple[str, ...]:
    """Every finish reason that an answer or a chunk gives, in the order of its choices."""
    choices = fields.get("choices")
    if not isinstance(choices, list):
        return ()
    found = (choice.get("finish_reason") for choice in choices if isinstance(choice, dict))
    return tuple(reason for reason in found if isinstance(reason, str))


def text_or_none(value: Any) -> str | None:
    """`value` where it is a text."""
    return value if isinstance(value, str) else None
