"""What is asked across protocols beside chat: embeddings and counts of tokens, answered whole."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from havuz_gateway.protocols.answer import Answer, decode_answer
from havuz_gateway.protocols.anthropic import count_tokens as anthropic_count
from havuz_gateway.protocols.anthropic.decode_request import decode_request as read_anthropic_request
from havuz_gateway.protocols.codec import Encoded, Quirks
from havuz_gateway.protocols.error_bodies import read_error, read_stream_error
from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.protocols.gemini import count_tokens as gemini_count
from havuz_gateway.protocols.gemini import embeddings as gemini_embeddings
from havuz_gateway.protocols.gemini.usage import read_usage as read_gemini_usage
from havuz_gateway.protocols.json_text import encode_json
from havuz_gateway.protocols.neutral.request import ChatRequest
from havuz_gateway.protocols.openai.token_usage import read_chat_usage
from havuz_gateway.protocols.tap import Tap
from havuz_gateway.protocols.usage import Usage

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """What a client asks: the `fields` of its body without havuz's own, and what is known of who is to answer.

    `model` is the provider's name of it, `asked` the client's; `tokens` is the estimate of the input.
    """

    fields: Fields
    model: str
    asked: str
    quirks: Quirks
    tokens: int


@dataclass(frozen=True, slots=True)
class AnswerWire:
    """The way of such an answer: `write` makes the client's of the provider's."""

    write: Callable[[Fields], dict[str, Any]]
    usage_of: Callable[[Fields], Usage | None]

    def read_error(self, body: bytes) -> ProviderError:
        """The error in the body of a refused call."""
        return read_error(body)

    def read_answer(self, body: bytes) -> Answer:
        """The answer, converted. Raises `AnswerUnreadable`."""
        fields = decode_answer(body)
        error = read_stream_error(fields)
        if error is not None:
            return Answer(body=b"", error=error)
        return Answer(body=encode_json(self.write(fields)), usage=self.usage_of(fields))

    def tap(self, *, max_event_bytes: int) -> Tap:
        """There is none: these answers are never streamed."""
        raise ValueError("this operation's answers are never streamed")


@dataclass(frozen=True, slots=True)
class Converted:
    """What the provider is sent, and the wire that its answer comes back on."""

    encoded: Encoded
    wire: AnswerWire


@dataclass(frozen=True, slots=True)
class _Counting:
    """How a protocol asks for the tokens of a prompt, and tells them."""

    read_request: Callable[[Fields], ChatRequest]
    write_request: Callable[[ChatRequest, Quirks], Encoded]
    read_count: Callable[[Fields], int]
    write_count: Callable[[int], dict[str, Any]]


_COUNTING = {
    "anthropic": _Counting(
        read_anthropic_request,
        anthropic_count.write_count_request,
        anthropic_count.read_count,
        anthropic_count.write_count,
    ),
    "gemini": _Counting(
        gemini_count.read_count_request,
        gemini_count.write_count_request,
        gemini_count.read_count,
        gemini_count.write_count,
    ),
}


def _counted(client: _Counting, provider: _Counting, question: Question) -> Converted:
    request = replace(client.read_request(question.fields), model=question.model)
    wire = AnswerWire(lambda answer: client.write_count(provider.read_count(answer)), lambda answer: None)
    return Converted(provider.write_request(request, question.quirks), wire)


def _embedded_by_gemini(question: Question) -> Converted:
    encoding = question.fields.get("encoding_format")

    def write(answer: Fields) -> dict[str, Any]:
        return gemini_embeddings.answer_to_openai(
            answer, model=question.asked, encoding=encoding, tokens=question.tokens
        )

    encoded = gemini_embeddings.to_gemini({**question.fields, "model": question.model})
    return Converted(encoded, AnswerWire(write, lambda answer: read_gemini_usage(answer.get("usageMetadata"))))


def _embedded_by_openai(question: Question, *, batch: bool) -> Converted:
    encoded = gemini_embeddings.to_openai(question.fields, batch=batch)
    write = partial(gemini_embeddings.answer_to_gemini, batch=batch)
    wire = AnswerWire(write, lambda answer: read_chat_usage(answer.get("usage")))
    return Converted(replace(encoded, body={"model": question.model, **encoded.body}), wire)


# (the client's protocol, what it asks, the provider's protocol) → how the one becomes the other
CONVERSIONS: dict[tuple[str, str, str], Callable[[Question], Converted]] = {
    ("openai_chat", "embeddings", "gemini"): _embedded_by_gemini,
    ("gemini", "embeddings", "openai_chat"): partial(_embedded_by_openai, batch=True),
    ("gemini", "embedding", "openai_chat"): partial(_embedded_by_openai, batch=False),
    **{
        (client, "count_tokens", provider): partial(_counted, _COUNTING[client], _COUNTING[provider])
        for client in _COUNTING
        for provider in _COUNTING
        if client != provider
    },
}
