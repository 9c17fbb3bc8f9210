"""Reading a whole Messages answer for the few things the gateway needs; the bytes themselves are relayed."""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.answer import Answer, decode_answer, text_or_none
from havuz_gateway.protocols.anthropic.errors import read_stream_error
from havuz_gateway.protocols.anthropic.usage import read_usage
from havuz_gateway.protocols.errors import AnswerUnreadable
from havuz_gateway.protocols.json_text import encode_json
from havuz_gateway.protocols.usage import says_nothing


def read_message(body: bytes) -> Answer:
    """Read a message. Raises `AnswerUnreadable`."""
    fields = decode_answer(body)
    error = read_stream_error(fields)
    content = fields.get("content")
    if error is None and not isinstance(content, list):
        raise AnswerUnreadable("the provider's answer has no 'content'")
    usage = read_usage(fields.get("usage"))
    return Answer(
        body=body,
        usage=usage,
        id=text_or_none(fields.get("id")),
        model=text_or_none(fields.get("model")),
        finish_reasons=stop_reasons(fields),
        error=error,
        size=len(encode_json(content)) if says_nothing(usage) and content else 0,
    )


def read_token_count(body: bytes) -> Answer:
    """Read the answer of `count_tokens`. Raises `AnswerUnreadable`."""
    fields = decode_answer(body)
    error = read_stream_error(fields)
    if error is None and type(fields.get("input_tokens")) is not int:
        raise AnswerUnreadable("the provider's answer has no 'input_tokens'")
    return Answer(body=body, error=error)


def stop_reasons(holder: Any) -> tuple[str, ...]:
    """The one stop reason of a message or of a `message_delta`'s delta."""
    reason = holder.get("stop_reason") if isinstance(holder, Mapping) else None
    return (reason,) if isinstance(reason, str) else ()
