"""What every wire language offers: its requests, answers, streams and errors to and from the neutral form.

*decode* is wire → neutral, *encode* is neutral → wire. All of it is pure: no socket, no clock, no randomness; ids and
times come as a `Stamp`, facts about the model that is called as `Quirks`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from typing import Protocol as TypingProtocol

from havuz_gateway.protocols import sse
from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.protocols.neutral.errors import AnswerUnreadable, StreamTruncated
from havuz_gateway.protocols.neutral.events import ChatEvent
from havuz_gateway.protocols.neutral.request import ChatRequest
from havuz_gateway.protocols.neutral.response import ChatResponse
from havuz_gateway.values import frozen


@dataclass(frozen=True, slots=True)
class Quirks:
    """Facts about the model that a request is encoded for. The defaults suit the newest models of each provider.

    `output_limit`: tokens to ask for where the client set no limit and the protocol needs one (the route's default).
    `limit_field`: what OpenAI-compatible servers call it. `efforts`: the reasoning words a model knows; None if any,
    empty for a model that does not reason. `thinking`: Anthropic's models before 4.6 think by budget, later ones
    adaptively. `thinking_off`: how one is told not to think; "effort" does always, so that it is told to think little.
    `interleaved`: whether thinking between calls of tools has to be asked for by a header. `forced_tools`: whether a
    call can be forced. `output_schema`: whether `output_config.format` works, or a forced tool stands in for it.
    `later_instructions`: whether instructions may come after the first turn. `instruction_role`: what those of the
    role developer are sent as. `replay_thinking`: whether an OpenAI-compatible server takes earlier reasoning back.
    `sampling`: whether temperature, top_p and top_k are taken. `top_k`, `cache_marks`: whether an OpenAI-compatible
    server knows `top_k` and OpenAI's cache breakpoints. `gemini_thinking`: Gemini 3 thinks by level and wants its calls
    signed, 2.5 thinks by budget, 2.5 Pro by budget and always, older ones not at all. `gemini_result_parts`: whether
    pictures stand in a function's response, or after it. `web_search`: whether the model can search the web by itself.
    """

    output_limit: int = 4_096
    limit_field: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    efforts: tuple[str, ...] | None = None
    thinking: Literal["adaptive", "budget"] = "adaptive"
    thinking_off: Literal["disabled", "omitted", "between_tools", "effort"] = "disabled"
    interleaved: bool = False
    forced_tools: bool = True
    output_schema: Literal["native", "tool"] = "native"
    later_instructions: bool = True
    instruction_role: Literal["developer", "system"] = "developer"
    replay_thinking: bool = True
    sampling: bool = True
    top_k: bool = True
    cache_marks: bool = True
    gemini_thinking: Literal["level", "budget", "always", "none"] = "level"
    gemini_result_parts: bool = True
    web_search: bool = True


@frozen
class Stamp:
    """What an encoded answer says of itself. None keeps what the provider said; `created` is Unix seconds.

    `echo`: the client's request as it stands on the wire, for protocols whose answers repeat its settings (Responses).
    """

    id: str | None = None
    model: str | None = None
    created: int = 0
    echo: Mapping[str, Any] | None = None


@frozen
class Encoded:
    """A body for the wire and the names of what it does not say.

    `answer_tool`: the request asks for structured output through a tool of this name; pass the answer through
    `neutral.answer_tool` to get it back as text. `headers` go with the body.
    """

    body: dict[str, Any]
    dropped: tuple[str, ...] = ()
    answer_tool: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class StreamDecoder(TypingProtocol):
    """Reads a provider's stream, one event's data at a time."""

    def feed(self, data: bytes) -> list[ChatEvent]:
        """The neutral events in one SSE event's data. Raises `AnswerUnreadable`."""

    def end(self) -> list[ChatEvent]:
        """The provider closed the stream. Raises `StreamTruncated` unless the protocol's own end was seen."""


class StreamEncoder(TypingProtocol):
    """Writes a stream to a client. Only a `ResponseEnd` gives it a clean end."""

    def feed(self, event: ChatEvent) -> bytes:
        """The SSE events that tell `event`; b"" where the protocol has nothing to say yet."""

    def fail(self, error: ProviderError) -> bytes:
        """The protocol's own error event, which ends a stream that cannot go on."""

    def dropped(self) -> tuple[str, ...]:
        """The names of what could not be said so far."""


@dataclass(frozen=True, slots=True)
class Codec:
    """One wire language.

    `decode_request` raises `InvalidRequest` naming the field, `encode_request` also `CannotExpress`;
    `decode_response` raises `AnswerUnreadable`, `encode_response` `AnswerFailed` for an answer that ended in an error.
    `stream_encoder` takes whether the client wants usage. `encode_error` takes status, error and request id.
    """

    protocol: str
    decode_request: Callable[[Mapping[str, Any]], ChatRequest]
    encode_request: Callable[[ChatRequest, Quirks], Encoded]
    decode_response: Callable[[Mapping[str, Any]], ChatResponse]
    encode_response: Callable[[ChatResponse, Stamp], Encoded]
    stream_decoder: Callable[[], StreamDecoder]
    stream_encoder: Callable[[Stamp, bool], StreamEncoder]
    decode_error: Callable[[bytes], ProviderError]
    encode_error: Callable[[int, ProviderError, str | None], dict[str, Any]]


class StreamReader:
    """Feeds a decoder from bytes in any chunking. An event larger than `max_event_bytes` is refused."""

    __slots__ = ("_decoder", "_max_event", "_tail")

    def __init__(self, decoder: StreamDecoder, *, max_event_bytes: int) -> None:
        self._decoder = decoder
        self._max_event = max_event_bytes
        self._tail = b""

    def feed(self, chunk: bytes) -> list[ChatEvent]:
        """The neutral events that `chunk` completes. Raises `AnswerUnreadable`."""
        complete, self._tail = sse.split_complete(self._tail + chunk if self._tail else chunk)
        if len(self._tail) > self._max_event:
            raise AnswerUnreadable(f"the provider sent an event larger than {self._max_event} bytes")
        told = sse.data_in(complete)
        if len(told) == 1:
            return self._decoder.feed(told[0])
        return [event for data in told for event in self._decoder.feed(data)]

    def end(self) -> list[ChatEvent]:
        """The provider closed the stream; a last event without its blank line still counts. Raises like a decoder."""
        tail, self._tail = self._tail, b""
        data = sse.data_of(tail + b"\n\n") if tail.strip() else None
        try:
            found = self._decoder.feed(data) if data else []
        except AnswerUnreadable:
            raise StreamTruncated("the provider's stream stopped inside an event") from None
        return found + self._decoder.end()
