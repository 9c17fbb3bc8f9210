"""An answer on its way from one protocol to another, through the neutral form: whole, or as a stream."""

from havuz_gateway.protocols.answer import Answer, decode_answer
from havuz_gateway.protocols.codec import Codec, Stamp, StreamReader
from havuz_gateway.protocols.errors import AnswerUnreadable, ProviderError
from havuz_gateway.protocols.json_text import encode_json
from havuz_gateway.protocols.neutral import events as ev
from havuz_gateway.protocols.neutral.answer_tool import AnswerToolStream, answer_as_text
from havuz_gateway.protocols.neutral.errors import AnswerFailed, StreamTruncated
from havuz_gateway.protocols.neutral.response import ChatResponse
from havuz_gateway.protocols.tap import Findings
from havuz_gateway.protocols.usage import says_nothing

_CONTENT = (
    ev.TextDelta,
    ev.ThinkingDelta,
    ev.RefusalDelta,
    ev.AudioDelta,
    ev.ToolInputStart,
    ev.PartWhole,
    ev.ChoiceEnd,
)


def convert_answer(body: bytes, *, provider: Codec, client: Codec, stamp: Stamp, answer_tool: str | None) -> Answer:
    """The provider's whole answer in the client's protocol. Raises `AnswerUnreadable`."""
    fields = decode_answer(body)
    try:
        response = provider.decode_response(fields)
        if answer_tool is not None:
            response = answer_as_text(response, answer_tool)
        encoded = client.encode_response(response, stamp)
    except AnswerFailed as failed:
        return Answer(body=b"", error=failed.error)
    return Answer(
        body=encode_json(encoded.body),
        usage=response.usage,
        id=response.id or None,
        model=response.model or None,
        finish_reasons=_finish_reasons(response),
        size=len(body) if says_nothing(response.usage) else 0,
        dropped=encoded.dropped,
    )


def _finish_reasons(response: ChatResponse) -> tuple[str, ...]:
    return tuple(choice.finish.raw or choice.finish.unified for choice in response.choices if choice.finish is not None)


class ConvertingTap:
    """Translates a stream event by event, with the same gate as a relayed one."""

    __slots__ = ("_answer_tool", "_encoder", "_held", "_max_event", "_reader", "found")

    def __init__(
        self, *, provider: Codec, client: Codec, stamp: Stamp, include_usage: bool, answer_tool: str | None,
        max_event_bytes: int,
    ) -> None:  # fmt: skip
        self._reader = StreamReader(provider.stream_decoder(), max_event_bytes=max_event_bytes)
        self._encoder = client.stream_encoder(stamp, include_usage)
        self._answer_tool = AnswerToolStream(answer_tool) if answer_tool is not None else None
        self._max_event = max_event_bytes
        self._held = b""
        self.found = Findings()

    def findings(self) -> Findings:
        """What the stream has told."""
        return self.found

    def feed(self, chunk: bytes) -> bytes:
        """The client's events for what came, none before the first content. Raises `AnswerUnreadable`."""
        return self._tell(self._reader.feed(chunk))

    def end(self) -> bytes:
        """The provider closed the stream; unless `found.done` now, it broke off."""
        if self.found.done or self.found.error is not None:
            return b""
        try:
            return self._tell(self._reader.end())
        except StreamTruncated:
            return b""

    def fail(self, error: ProviderError) -> bytes:
        """The client protocol's own error event."""
        return self._encoder.fail(error)

    def dropped(self) -> tuple[str, ...]:
        """The names of what the client could not be told so far."""
        return self._encoder.dropped()

    def _tell(self, events: list[ev.ChatEvent]) -> bytes:
        found = self.found
        if found.committed and not self._held and len(events) == 1 and type(events[0]) is ev.TextDelta:
            return self._encoder.feed(events[0])  # the usual case, which tells nothing else
        pieces = []
        for event in events:
            told = event if self._answer_tool is None else self._answer_tool.feed(event)
            self._note(event)
            pieces.append(self._encoder.feed(told))
            if found.done or found.error is not None:
                break
        ready = b"".join(pieces)
        if not self._held and (found.committed or found.done):
            found.committed = True
            return ready
        self._held += ready
        if len(self._held) > self._max_event:
            raise AnswerUnreadable("the provider sent no content within the bound of one event")
        if not (found.committed or found.done):
            return b""
        found.committed = True
        held, self._held = self._held, b""
        return held

    def _note(self, event: ev.ChatEvent) -> None:
        found = self.found
        found.seen_event = True
        if not found.committed and isinstance(event, _CONTENT):
            found.committed = True
        match event:
            case ev.TextDelta():
                return
            case ev.ResponseStart():
                found.id, found.model = event.id or None, event.model or None
                found.usage = event.usage or found.usage
            case ev.UsageReport():
                found.usage = event.usage
            case ev.ChoiceEnd():
                reason = event.finish.raw or event.finish.unified
                found.finish_reasons += (reason,)
                if event.finish.unified == "error":
                    found.error = ProviderError(f"the provider ended the answer with {reason!r}")
            case ev.ResponseError():
                found.error = event.error
            case ev.ResponseEnd():
                found.done = True
            case _:
                pass
