"""Reading a whole answer of Google's for the few things the gateway needs; the bytes themselves are relayed."""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.answer import Answer, decode_answer, text_or_none
from havuz_gateway.protocols.errors import AnswerUnreadable
from havuz_gateway.protocols.gemini.decode_response import block_reason
from havuz_gateway.protocols.gemini.errors import read_stream_error
from havuz_gateway.protocols.gemini.usage import read_usage
from havuz_gateway.protocols.json_text import encode_json
from havuz_gateway.protocols.usage import says_nothing


def read_generated(body: bytes) -> Answer:
    """Read an answer of `generateContent`; one without candidates says why its prompt was blocked.

    Raises `AnswerUnreadable`.
    """
    fields = decode_answer(body)
    error = read_stream_error(fields)
    candidates = fields.get("candidates")
    blocked = block_reason(fields.get("promptFeedback"))
    if error is None and blocked is None and not (isinstance(candidates, list) and candidates):
        raise AnswerUnreadable("the provider's answer has no 'candidates'")
    usage = read_usage(fields.get("usageMetadata"))
    return Answer(
        body=body,
        usage=usage,
        id=text_or_none(fields.get("responseId")),
        model=text_or_none(fields.get("modelVersion")),
        finish_reasons=_finish_reasons(candidates) or ((blocked,) if blocked is not None else ()),
        error=error,
        size=len(encode_json(candidates)) if says_nothing(usage) and candidates else 0,
    )


def read_token_count(body: bytes) -> Answer:
    """Read an answer of `countTokens`, which leaves out a zero. Raises `AnswerUnreadable`."""
    fields = decode_answer(body)
    error = read_stream_error(fields)
    if error is None and type(fields.get("totalTokens", 0)) is not int:
        raise AnswerUnreadable("the provider's answer has no 'totalTokens'")
    return Answer(body=body, error=error)


def read_embedding(body: bytes) -> Answer:
    """Read an answer of `embedContent`. Raises `AnswerUnreadable`."""
    return _embedded(body, "embedding", Mapping)


def read_embeddings(body: bytes) -> Answer:
    """Read an answer of `batchEmbedContents`. Raises `AnswerUnreadable`."""
    return _embedded(body, "embeddings", list)


def _embedded(body: bytes, member: str, kind: type) -> Answer:
    """Older models report no usage."""
    fields = decode_answer(body)
    error = read_stream_error(fields)
    if error is None and not isinstance(fields.get(member), kind):
        raise AnswerUnreadable(f"the provider's answer has no {member!r}")
    return Answer(body=body, usage=read_usage(fields.get("usageMetadata")), error=error)


def _finish_reasons(candidates: Any) -> tuple[str, ...]:
    listed = candidates if isinstance(candidates, list) else ()
    found = (candidate.get("finishReason") for candidate in listed if isinstance(candidate, Mapping))
    return tuple(reason for reason in found if isinstance(reason, str))
