"""Tokens from a request's body, before and without a provider's own numbers. Pure, and documented for customers.

Two questions have two answers. *How many tokens will it be?* (rate limits, and billing where a provider reports no
usage): a token for each four bytes of text, four for each message, 1,500 for each picture or file. *How many can it be
at most?* (reservations): a token for each byte of the body, since no tokenizer makes more than one of a byte, 40,000
for each picture or file, and 1,024 for what a provider adds of its own.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeGuard

from havuz_contract.snapshot.models import Operation, Parameters
from havuz_gateway.metering.prompts import bounds_of, embedded, text_size

BYTES_PER_TOKEN = 4
MESSAGE_TOKENS = 4
ATTACHMENT_TOKENS = 1_500
MOST_ATTACHMENT_TOKENS = 40_000
MOST_ADDED_TOKENS = 1_024
# An answer without a bound of the client's: what it can have where the target says no context window, and what rate
# limits count until the true number is known.
MOST_OUTPUT_TOKENS = 16_384
USUAL_OUTPUT_TOKENS = 1_024
_MOST_TOKENS = 1_000_000_000  # of anything, so that a body can't ask for numbers that nobody can count
# How often a picture or a file is named in a body; Chat Completions names each by its type and by its member.
_ATTACHMENTS = {
    "openai_chat": ((b'"image_url"', b'"input_audio"', b'"file"'), 2),
    "anthropic": ((b'"image"', b'"document"'), 1),
    "openai_responses": ((b'"input_image"', b'"input_file"', b'"input_audio"'), 1),
    "gemini": ((b'"inlineData"', b'"inline_data"', b'"fileData"', b'"file_data"'), 1),
}
# Bytes of an event that brings next to no text. A stream of Chat Completions begins with one; the others begin with
# the whole message or response, or with text.
MOST_ENVELOPE = {"anthropic": 120, "openai_responses": 280, "gemini": 340}
OUTPUT_BOUNDS = ("max_completion_tokens", "max_tokens", "max_output_tokens")  # in the order in which they count
_COUNTED = (*OUTPUT_BOUNDS, "n")


class Pieces(NamedTuple):
    """What is counted by the piece: pictures, characters to speak, milliseconds of sound (likely, and at most)."""

    images: int = 0
    characters: int = 0
    audio_ms: int = 0
    most_audio_ms: int = 0


_NO_PIECES = Pieces()


class Estimate(NamedTuple):
    """Tokens of one request. `output` is the bound that holds for the whole answer, None where there is none."""

    input: int
    most_input: int
    output: int | None = None
    choices: int = 1
    predicted: int = 0  # tokens of a predicted answer, which a provider bills as output when it rejects them
    usual_output: int | None = None  # of each choice, where that is not a chat's
    pieces: Pieces = _NO_PIECES

    @property
    def expected(self) -> int:
        """What a token rate counts until the true number is known."""
        if self.usual_output is not None:
            return self.input + self.usual_output * self.choices
        return self.input + (USUAL_OUTPUT_TOKENS * self.choices if self.output is None else self.output)

    def most_output(self, window: int | None) -> int:
        """The most tokens that the answer can have at a target with this context window."""
        whole = MOST_OUTPUT_TOKENS if window is None else window
        asked = whole * self.choices if self.output is None else self.output
        if window is not None:
            asked = min(asked, window * self.choices)
        return min(asked + self.predicted, _MOST_TOKENS)


def estimate(
    operation: Operation,
    fields: Mapping[str, Any],
    raw: bytes,
    layers: Iterable[Parameters] = (),
    *,
    protocol: str = "openai_chat",
) -> Estimate:
    """The estimate of the body `raw`, decoded as `fields`; `layers` change it on the way to a target."""
    size = len(raw)
    if operation == "embeddings":
        return Estimate(input=_embedded(embedded(protocol, fields)), most_input=size + MOST_ADDED_TOKENS, output=0)
    names, times = _ATTACHMENTS[protocol]
    attached = 0
    for name in names:
        attached += (raw.count(name) + times - 1) // times
    choices, bound = _bounds(bounds_of(protocol, fields), layers)
    if bound is None and fields.get("max_tokens") == 0:
        bound = 0  # a prompt that only fills its provider's cache
    return Estimate(
        input=min(_text_tokens(protocol, fields) + attached * ATTACHMENT_TOKENS, _MOST_TOKENS),
        most_input=size + MOST_ADDED_TOKENS + attached * MOST_ATTACHMENT_TOKENS,
        output=None if bound is None else min(bound * choices, _MOST_TOKENS),
        choices=choices,
        predicted=size if "prediction" in fields else 0,
    )


def tokens_of(size: int) -> int:
    """Tokens of so many bytes of text, rounded up."""
    return -(-size // BYTES_PER_TOKEN)


def delivered_tokens(events: int, size: int, envelope: int) -> int:
    """Output tokens of a stream that was cut: one for each event, or more where events carry more than an `envelope`.

    `size` is in bytes of all `events`; `envelope` is the size of one that has next to no content.
    """
    return max(events, tokens_of(max(0, size - events * envelope)))


def _bounds(fields: Mapping[str, Any], layers: Iterable[Parameters]) -> tuple[int, int | None]:
    """Number of choices and the output bound of each, as the provider will read them."""
    get = fields.get
    values = [get(name) for name in _COUNTED]
    for layer in layers:
        for index, name in enumerate(_COUNTED):
            if name in layer.drop:
                values[index] = None
            elif name in layer.overrides:
                values[index] = layer.overrides[name]
            elif name in layer.defaults and name not in fields:
                values[index] = layer.defaults[name]
    *bounds, choices = values
    return (choices if _is_count(choices) else 1), max(filter(_is_count, bounds), default=None)


def _is_count(value: Any) -> TypeGuard[int]:
    return type(value) is int and 0 < value <= _MOST_TOKENS


def _text_tokens(protocol: str, fields: Mapping[str, Any]) -> int:
    if protocol != "openai_chat":
        size, count = text_size(protocol, fields)
        return tokens_of(size) + count * MESSAGE_TOKENS
    size = count = 0
    messages = fields.get("messages")
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict):  # as JSON is decoded; asking for any Mapping costs several times as much
            count += 1
            size += _content_size(message.get("content")) + _text_size(message.get("tool_calls"))
    size += _text_size(fields.get("tools"))
    return tokens_of(size) + count * MESSAGE_TOKENS


def _content_size(content: Any) -> int:
    if isinstance(content, str):
        return _size(content)
    if not isinstance(content, list):
        return 0
    texts = (part.get("text") for part in content if isinstance(part, dict))
    return sum(_size(text) for text in texts if isinstance(text, str))


def _text_size(value: Any) -> int:
    return _size(str(value)) if value else 0


def _embedded(given: Any) -> int:
    """Tokens of texts, or of what is tokens already."""
    if isinstance(given, str):
        return tokens_of(_size(given))
    if not isinstance(given, list):
        return 0
    total = 0
    for one in given:
        match one:
            case str():
                total += tokens_of(_size(one))
            case list():
                total += len(one)
            case _:
                total += 1
    return total


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
