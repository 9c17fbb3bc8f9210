"""What the pipeline asks of the wire between a client and a provider: answers read, streams tapped, errors understood.

Where both ends speak one protocol the bytes are relayed (`RelayWire`), otherwise they pass through the neutral form
(`ConvertingWire`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from havuz_gateway.protocols.answer import Answer
from havuz_gateway.protocols.codec import Codec, Stamp
from havuz_gateway.protocols.converted import ConvertingTap, convert_answer
from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.protocols.raw import RawTap, read_text
from havuz_gateway.protocols.tap import RelayTap, StreamRules, Tap
from havuz_gateway.values import frozen

Answers = Literal["json", "text", "bytes"]  # a whole answer, or one that is passed on while it comes


class Wire(Protocol):
    """The way of one answer."""

    def read_error(self, body: bytes) -> ProviderError:
        """The error in the body of a refused call. Never raises."""

    def read_answer(self, body: bytes) -> Answer:
        """A whole answer. Raises `AnswerUnreadable`."""

    def tap(self, *, max_event_bytes: int) -> Tap:
        """A tap for the stream of this answer."""


@dataclass(frozen=True, slots=True)
class Relayed:
    """How one operation goes through where both ends speak one protocol. `stream` None: it has no streams.

    `renamed` gives the members to set in a body for another model than the client asked for.
    """

    read_answer: Callable[[bytes], Answer]
    read_error: Callable[[bytes], ProviderError]
    stream: StreamRules | None = None
    renamed: Callable[[Mapping[str, Any], str], dict[str, Any]] = lambda fields, model: {"model": model}


@frozen
class RelayWire:
    """Bytes as they come. `strip_usage`: a usage event was asked for that the client does not want."""

    relayed: Relayed
    strip_usage: bool = False
    answers: Answers = "json"

    def read_error(self, body: bytes) -> ProviderError:
        """The error in the body of a refused call."""
        return self.relayed.read_error(body)

    def read_answer(self, body: bytes) -> Answer:
        """A whole answer. Raises `AnswerUnreadable`."""
        return read_text(body, self.relayed.read_error) if self.answers == "text" else self.relayed.read_answer(body)

    def tap(self, *, max_event_bytes: int) -> Tap:
        """A tap that passes bytes on."""
        if self.answers == "bytes":
            return RawTap()
        if self.relayed.stream is None:
            raise ValueError("this operation's answers are never streamed")
        return RelayTap(self.relayed.stream, strip_usage=self.strip_usage, max_event_bytes=max_event_bytes)


@frozen
class ConvertingWire:
    """Through the neutral form. `stamp` is what the answer says of itself to the client."""

    provider: Codec
    client: Codec
    stamp: Stamp
    include_usage: bool
    answer_tool: str | None = None

    def read_error(self, body: bytes) -> ProviderError:
        """The error in the body of a refused call."""
        return self.provider.decode_error(body)

    def read_answer(self, body: bytes) -> Answer:
        """A whole answer, translated. Raises `AnswerUnreadable`."""
        return convert_answer(
            body, provider=self.provider, client=self.client, stamp=self.stamp, answer_tool=self.answer_tool
        )

    def tap(self, *, max_event_bytes: int) -> Tap:
        """A tap that translates."""
        return ConvertingTap(
            provider=self.provider, client=self.client, stamp=self.stamp, include_usage=self.include_usage,
            answer_tool=self.answer_tool, max_event_bytes=max_event_bytes,
        )  # fmt: skip
