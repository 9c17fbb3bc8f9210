"""A response object as it is relayed: the error it may be, its usage, and how it ended.

https://platform.openai.com/docs/api-reference/responses/object
"""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.answer import Answer, decode_answer, text_or_none
from havuz_gateway.protocols.errors import AnswerUnreadable
from havuz_gateway.protocols.openai.token_usage import read_usage
from havuz_gateway.protocols.openai_responses.errors import read_failure
from havuz_gateway.protocols.usage import says_nothing

_FINISHED = ("completed", "incomplete", "failed", "cancelled")
_DATA = frozenset({"id", "type", "role", "status", "encrypted_content"})


def read_response(body: bytes) -> Answer:
    """A whole answer. Raises `AnswerUnreadable`."""
    fields = decode_answer(body)
    error = read_failure(fields)
    if error is None and not isinstance(fields.get("output"), list):
        raise AnswerUnreadable("the provider's answer has no output")
    usage = read_usage(fields.get("usage"))
    return Answer(
        body=body,
        usage=usage,
        id=text_or_none(fields.get("id")),
        model=text_or_none(fields.get("model")),
        finish_reasons=finish_reasons(fields),
        error=error,
        size=_size(fields.get("output")) if says_nothing(usage) else 0,
    )


def read_token_count(body: bytes) -> Answer:
    """The answer to a count of input tokens. Raises `AnswerUnreadable`."""
    if type(decode_answer(body).get("input_tokens")) is not int:
        raise AnswerUnreadable("the provider's answer counts no tokens")
    return Answer(body=body)


def finish_reasons(response: Mapping[str, Any]) -> tuple[str, ...]:
    """Why a response ended: the reason that it is incomplete for, else its status."""
    details = response.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, Mapping) else None
    status = response.get("status")
    if isinstance(reason, str):
        return (reason,)
    return (status,) if status in _FINISHED else ()


def _size(value: Any) -> int:
    """Bytes of all texts in the output; by a stack, since an answer may be nested as deeply as it can be read."""
    size, waiting = 0, [value]
    while waiting:
        match waiting.pop():
            case str() as text:
                size += len(text.encode("utf-8", "replace"))
            case list() as items:
                waiting += items
            case dict() as members:
                waiting += [inner for name, inner in members.items() if name not in _DATA]
            case _:
                pass
    return size
