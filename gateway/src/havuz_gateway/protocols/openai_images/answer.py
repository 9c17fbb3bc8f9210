"""Reading a whole answer of pictures for what is billed; the bytes themselves are relayed."""

from dataclasses import replace
from typing import Any

from havuz_gateway.protocols.answer import Answer, decode_answer
from havuz_gateway.protocols.errors import AnswerUnreadable
from havuz_gateway.protocols.openai.errors import read_stream_error
from havuz_gateway.protocols.openai.token_usage import read_usage
from havuz_gateway.protocols.usage import Usage

_NO_TOKENS = Usage(input=0, output=0)


def read_images(body: bytes) -> Answer:
    """Read a list of pictures. Raises `AnswerUnreadable`."""
    fields = decode_answer(body)
    error = read_stream_error(fields) if fields.get("error") else None
    data = fields.get("data")
    if error is None and (not isinstance(data, list) or not data):
        raise AnswerUnreadable("the provider's answer has no pictures in 'data'")
    return Answer(body=body, usage=counted(fields.get("usage"), len(data or ())), error=error)


def counted(usage: Any, pictures: int) -> Usage:
    """The usage that a provider reported, with the number of pictures; without tokens where it reported none."""
    return replace(read_usage(usage) or _NO_TOKENS, images=pictures)
