"""Embeddings: `embedContent` and `batchEmbedContents` beside OpenAI's, both ways.

https://ai.google.dev/api/embeddings, https://platform.openai.com/docs/api-reference/embeddings. OpenAI embeds texts
of one size; Google's `taskType` and `title` have no counterpart there.
"""

import base64
import binascii
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from havuz_gateway.protocols.codec import Encoded
from havuz_gateway.protocols.gemini.names import camelled
from havuz_gateway.protocols.gemini.wire import PROTOCOL, answer_members, request_members
from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.errors import AnswerUnreadable, cannot_say
from havuz_gateway.protocols.neutral.extensions import Dropped

_FLOAT = 4  # bytes of a little-endian float32, which OpenAI's base64 is made of
_OPENAI = "openai"


def to_openai(body: Mapping[str, Any], *, batch: bool) -> Encoded:
    """OpenAI's `input` and `dimensions` for a request of either kind; the model, which stands in the URL, is not in it.

    Raises `InvalidRequest` naming the field, `CannotExpress` for content that is no text and for mixed sizes.
    """
    plain, _ = camelled(dict(body))
    fields = request_members(plain, "")
    requests = fields.each("requests") if batch else [fields]
    if not requests:
        raise fields.wrong("requests", None, "an array of requests")
    dropped = Dropped(_OPENAI)
    texts = [_text(request) for request in requests]
    sizes = [_settings(request, dropped) for request in requests]
    if any(size != sizes[0] for size in sizes):
        raise cannot_say(requests[-1].at("outputDimensionality"), "another size than the first request's", _OPENAI)
    members: dict[str, Any] = {"input": texts}
    if sizes[0] is not None:
        members["dimensions"] = sizes[0]
    return Encoded(members, dropped.names())


def _settings(request: Members, dropped: Dropped) -> int | None:
    """The size of the vector, which stands in one of two places; what else there is has no counterpart."""
    size = request.whole("outputDimensionality")
    request.take("model")
    config = request.members("embedContentConfig")
    if config is not None:
        size = config.whole("outputDimensionality") or size
        dropped.foreign({f"{PROTOCOL}.config": config.rest()})
    dropped.foreign({PROTOCOL: {name: value for name, value in request.rest().items() if name != "requests"}})
    return size


def _text(request: Members) -> str:
    content = request.members("content")
    if content is None:
        raise request.wrong("content", None, "a content with 'parts'")
    parts = content.each("parts")
    if not parts:
        raise content.wrong("parts", None, "an array of parts")
    for part in parts:
        if part.peek("text") is None:
            raise cannot_say(part.path, "content that is no text", _OPENAI)
    return "".join(part.needed_text("text") for part in parts)


def to_gemini(body: Mapping[str, Any]) -> Encoded:
    """A `batchEmbedContents` body for OpenAI's request. Raises `InvalidRequest`, `CannotExpress` for tokens."""
    fields = request_members(body, "")
    dropped = Dropped(PROTOCOL)
    model, size = fields.needed_text("model"), fields.whole("dimensions")
    fields.take("encoding_format")  # which the answer is told in
    named: dict[str, Any] = {"model": f"models/{model.removeprefix('models/')}"}
    sized = {} if size is None else {"outputDimensionality": size}
    texts = _inputs(fields)
    dropped.foreign({_OPENAI: fields.rest()})
    return Encoded(
        {"requests": [{**named, "content": {"parts": [{"text": text}]}, **sized} for text in texts]}, dropped.names()
    )


def _inputs(fields: Members) -> list[str]:
    match fields.take("input"):
        case str() as text:
            return [text]
        case [*texts] if texts and all(isinstance(text, str) for text in texts):
            return [str(text) for text in texts]
        case [int(), *_] | [[*_], *_]:
            raise cannot_say("input", "tokens in place of text", PROTOCOL)
        case other:
            raise fields.wrong("input", other, "a string or a non-empty array of strings")


def answer_to_openai(body: Mapping[str, Any], *, model: str, encoding: str | None, tokens: int) -> dict[str, Any]:
    """OpenAI's list for an answer of either kind. `tokens` of input are told where Google counts none.

    `encoding` is the client's `encoding_format`: float or base64. Raises `AnswerUnreadable`.
    """
    fields = answer_members(body, "")
    single = fields.members("embedding")
    found = fields.each("embeddings") if single is None else [single]
    if not found:
        raise fields.wrong("embeddings", None, "an array of embeddings")
    vectors = [_vector(holder) for holder in found]
    usage = fields.mapping("usageMetadata") or {}
    counted = usage.get("promptTokenCount")
    used = counted if type(counted) is int and counted >= 0 else tokens
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _packed(vector) if encoding == "base64" else vector}
            for index, vector in enumerate(vectors)
        ],
        "model": model,
        "usage": {"prompt_tokens": used, "total_tokens": used},
    }


def answer_to_gemini(body: Mapping[str, Any], *, batch: bool) -> dict[str, Any]:
    """Google's answer for OpenAI's list, floats or base64. Raises `AnswerUnreadable`."""
    fields = answer_members(body, "")
    found = sorted(fields.each("data"), key=lambda item: item.whole("index") or 0)
    if not found:
        raise fields.wrong("data", None, "an array of embeddings")
    embeddings = [{"values": _values(item)} for item in found]
    answer: dict[str, Any] = {"embeddings": embeddings} if batch else {"embedding": embeddings[0]}
    usage = fields.mapping("usage") or {}
    used = usage.get("prompt_tokens")
    if type(used) is int and used >= 0:
        answer["usageMetadata"] = {"promptTokenCount": used, "totalTokenCount": used}
    return answer


def _vector(holder: Members) -> list[float]:
    return _numbers(holder, "values")


def _values(item: Members) -> list[float]:
    packed = item.peek("embedding")
    if not isinstance(packed, str):
        return _numbers(item, "embedding")
    try:
        raw = base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        raw = b"?"
    if not raw or len(raw) % _FLOAT:
        raise item.wrong("embedding", packed, "base64 of floats")
    return list(struct.unpack(f"<{len(raw) // _FLOAT}f", raw))


def _numbers(holder: Members, name: str) -> list[float]:
    values = holder.array(name)
    if not values or not all(type(value) in (int, float) for value in values):
        raise holder.wrong(name, values, "an array of numbers")
    return values


def _packed(vector: Sequence[float]) -> str:
    try:
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    except (OverflowError, struct.error):
        raise AnswerUnreadable("the provider's embedding has a number that is no float32") from None
