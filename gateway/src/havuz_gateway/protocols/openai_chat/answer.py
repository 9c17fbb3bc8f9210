"""Reading a whole JSON answer for the few things the gateway needs; the bytes themselves are relayed."""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.answer import Answer, decode_answer, text_or_none
from havuz_gateway.protocols.errors import AnswerUnreadable
from havuz_gateway.protocols.openai.errors import read_stream_error
from havuz_gateway.protocols.openai.token_usage import read_chat_usage
from havuz_gateway.protocols.usage import says_nothing


def read_chat_answer(body: bytes) -> Answer:
    """Read a chat completion. Raises `AnswerUnreadable`."""
    return _read(body, "choices")


def read_embeddings_answer(body: bytes) -> Answer:
    """Read a list of embeddings. Raises `AnswerUnreadable`."""
    return _read(body, "data")


def _read(body: bytes, member: str) -> Answer:
    fields = decode_answer(body)
    error = read_stream_error(fields) if fields.get("error") else None
    told = fields.get(member)
    if error is None and (not isinstance(told, list) or (member == "choices" and not told)):
        raise AnswerUnreadable(f"the provider's answer has no {member!r}")
    usage = read_chat_usage(fields.get("usage"))
    return Answer(
        body=body,
        usage=usage,
        id=text_or_none(fields.get("id")),
        model=text_or_none(fields.get("model")),
        finish_reasons=finish_reasons(fields),
        error=error,
        size=_size(fields) if says_nothing(usage) else 0,
    )


def finish_reasons(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """Every finish reason that an answer or a chunk gives, in the order of its choices."""
    choices = fields.get("choices")
    if not isinstance(choices, list):
        return ()
    found = [choice.get("finish_reason") for choice in choices if isinstance(choice, dict)]
    return tuple([reason for reason in found if isinstance(reason, str)])


def _size(fields: Mapping[str, Any]) -> int:
    """Bytes of all that the choices say."""
    choices = fields.get("choices")
    size = 0
    for choice in choices if isinstance(choices, list) else ():
        message = choice.get("message") if isinstance(choice, Mapping) else None
        if isinstance(message, Mapping):
            said = (str(value) for name, value in message.items() if value and name != "role")
            size += sum(len(text.encode("utf-8", "replace")) for text in said)
    return size
