"""Neutral events to a Messages stream, whose blocks follow one another and whose end carries reason and usage."""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.anthropic.encode_response import write_citations
from havuz_gateway.protocols.anthropic.errors import encode_error
from havuz_gateway.protocols.anthropic.finish import write_finish
from havuz_gateway.protocols.anthropic.thinking import write_call_seal, write_redacted, write_signature
from havuz_gateway.protocols.anthropic.usage import write_first_usage, write_usage
from havuz_gateway.protocols.anthropic.wire import PROTOCOL, SPELLING
from havuz_gateway.protocols.codec import Stamp
from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.protocols.json_text import dump
from havuz_gateway.protocols.neutral import events as ev
from havuz_gateway.protocols.neutral.content import Part, ProviderContent, RedactedThinking, Thinking
from havuz_gateway.protocols.neutral.errors import AnswerFailed, status_of
from havuz_gateway.protocols.neutral.extensions import Dropped, Extensions, merged, restored
from havuz_gateway.protocols.usage import Usage

_PING = b'event: ping\ndata: {"type":"ping"}\n\n'


class AnthropicStreamEncoder:
    """Writes one stream. Usage always stands in it, whatever the client asked for."""

    def __init__(self, stamp: Stamp, include_usage: bool = True) -> None:
        self._stamp = stamp
        self._index = -1  # of the last block
        self._open: str | None = None
        self._waiting: list[ev.ChatEvent] = []  # of blocks that began while another was open
        self._calls = self._refused = False
        self._end: ev.ChoiceEnd | None = None
        self._usage = Usage(0, 0)
        self._tier: str | None = None
        self._extensions: Extensions = {}
        self._more: dict[str, Any] = {}  # what is said beside the usage
        self._dropped = Dropped(PROTOCOL)
        self._over = False

    def dropped(self) -> tuple[str, ...]:
        """The names of what could not be said so far."""
        return self._dropped.names()

    def fail(self, error: ProviderError) -> bytes:
        """The error event that ends a stream which cannot go on; no `message_stop` follows."""
        if self._over:
            return b""
        self._over = True
        body = encode_error(status_of(error), error, None)
        body.pop("request_id")
        return _event(body)

    def feed(self, event: ev.ChatEvent) -> bytes:
        """The SSE events that tell `event`."""
        if self._over:
            return b""
        if type(event) is ev.TextDelta and event.id == self._open and event.choice == 0:
            return self._text(event.text)
        match event:
            case ev.ResponseStart():
                return self._start(event)
            case ev.UsageReport():
                self._usage, self._tier = event.usage, event.service_tier or self._tier
                self._extensions = merged(self._extensions, event.extensions)
                self._more = {**self._more, **event.extensions.get(PROTOCOL, {})}
                return b""
            case ev.ChoiceEnd():
                self._end = event if event.choice == 0 else self._end
                return b""
            case ev.ResponseEnd():
                return self._finish()
            case ev.ResponseError():
                return self.fail(event.error)
            case ev.LogprobsDelta():
                self._dropped.note("logprobs")
                return b""
            case _ if event.choice != 0:
                self._dropped.note("choices")
                return b""
            case _:
                return self._in_order(event)

    def _start(self, event: ev.ResponseStart) -> bytes:
        self._tier = event.service_tier
        self._extensions = event.extensions
        message: dict[str, Any] = {
            "id": self._stamp.id or event.id,
            "type": "message",
            "role": "assistant",
            "model": self._stamp.model or event.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": write_first_usage(event.usage),
        }
        return _event({"type": "message_start", "message": message | dict(event.extensions.get(PROTOCOL, {}))})

    def _finish(self) -> bytes:
        """The reason and the cumulative usage, then the end."""
        if self._end is None or self._open is not None:
            return self.fail(ProviderError("the provider's stream ended without saying why"))
        finish, spelled = self._end.finish, self._end.extensions.get(SPELLING, {})
        try:
            reason = spelled.get("stop_reason") or write_finish(finish, calls=self._calls, refused=self._refused)
        except AnswerFailed as failed:
            return self.fail(failed.error)
        self._over = True
        delta = {"stop_reason": reason, "stop_sequence": finish.stop_sequence, **self._end.extensions.get(PROTOCOL, {})}
        usage = self._extensions.get(SPELLING, {}).get("usage") or write_usage(self._usage, self._tier)
        more = {name: value for name, value in self._more.items() if value is not None}
        ending = _event({"type": "message_delta", "delta": delta, "usage": usage, **more})
        return ending + _event({"type": "message_stop"})

    def _in_order(self, event: ev.ChatEvent) -> bytes:
        """Blocks may interleave in the neutral form; here one waits until the other has ended."""
        block = getattr(event, "id", None)
        if self._open is not None and block != self._open:
            self._waiting.append(event)
            return b""
        written = self._told(event)
        if self._open is None and self._waiting:
            waiting, self._waiting = self._waiting, []
            written += b"".join(self._in_order(late) for late in waiting)
        return written

    def _told(self, event: ev.ChatEvent) -> bytes:
        match event:
            case ev.TextStart() | ev.ThinkingStart() | ev.ToolInputStart() | ev.RefusalStart():
                return self._block_start(event)
            case ev.PartWhole():
                return self._whole(event.part)
            case ev.TextDelta() | ev.RefusalDelta():
                return self._delta({"type": "text_delta", "text": event.text})
            case ev.ThinkingDelta():
                return self._delta({"type": "thinking_delta", "thinking": event.text})
            case ev.ToolInputDelta():
                return self._delta({"type": "input_json_delta", "partial_json": event.text})
            case ev.CitationDelta():
                written = write_citations((event.citation,), self._dropped)
                return b"".join(self._delta({"type": "citations_delta", "citation": citation}) for citation in written)
            case ev.TextEnd() | ev.ThinkingEnd() | ev.ToolInputEnd() | ev.RefusalEnd():
                return self._block_end(event)
            case _:
                self._dropped.note("audio")
                return b""

    def _block_start(
        self, event: ev.TextStart | ev.ThinkingStart | ev.ToolInputStart | ev.RefusalStart
    ) -> bytes:  # fmt: skip
        self._open = event.id
        match event:
            case ev.TextStart():
                return self._begin(restored(PROTOCOL, {"type": "text", "text": ""}, event.extensions))
            case ev.RefusalStart():
                self._refused = True
                return self._begin({"type": "text", "text": ""})
            case ev.ThinkingStart():
                thinking = {"type": "thinking", "thinking": "", "signature": ""}
                return self._begin(restored(PROTOCOL, thinking, event.extensions))
            case ev.ToolInputStart():
                self._calls = True
                self._dropped.foreign(event.extensions, "tool_use")
                signature = event.signature
                seal = b"" if signature is None else self._piece(write_call_seal(event.call_id, signature))
                call = {"type": "tool_use", "id": event.call_id, "name": event.name, "input": {}}
                return seal + self._begin(restored(PROTOCOL, call, event.extensions))

    def _block_end(self, event: ev.TextEnd | ev.ThinkingEnd | ev.ToolInputEnd | ev.RefusalEnd) -> bytes:
        self._open = None
        sealed = b""
        if isinstance(event, ev.TextEnd) and event.signature is not None:
            self._dropped.note("thought_signature")
        if isinstance(event, ev.ThinkingEnd):
            seal = Thinking("", signature=event.signature, origin=event.origin, id=event.item, summary=event.summary)
            signature = write_signature(seal)
            sealed = self._delta({"type": "signature_delta", "signature": signature}) if signature else b""
        return sealed + _event({"type": "content_block_stop", "index": self._index})

    def _begin(self, block: dict[str, Any]) -> bytes:
        self._index += 1
        started = _event({"type": "content_block_start", "index": self._index, "content_block": block})
        return started + _PING if self._index == 0 else started

    def _text(self, text: str) -> bytes:
        """The most frequent event, without building its objects."""
        delta = f'{{"type":"text_delta","text":{dump(text)}}}'
        data = f'{{"type":"content_block_delta","index":{self._index},"delta":{delta}}}'
        return f"event: content_block_delta\ndata: {data}\n\n".encode()

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return _event({"type": "content_block_delta", "index": self._index, "delta": delta})

    def _piece(self, block: dict[str, Any]) -> bytes:
        """A block that comes whole."""
        return self._begin(block) + _event({"type": "content_block_stop", "index": self._index})

    def _compaction(self, wire: Mapping[str, Any]) -> bytes:
        """A summary comes in deltas, of which there is one."""
        told = {name: wire[name] for name in ("content", "encrypted_content") if name in wire}
        start = self._begin({**wire, **dict.fromkeys(told)})
        delta = self._delta({"type": "compaction_delta", **told})
        return start + delta + _event({"type": "content_block_stop", "index": self._index})

    def _whole(self, part: Part) -> bytes:
        match part:
            case RedactedThinking():
                return self._piece(write_redacted(part))
            case ProviderContent(protocol=protocol, wire=wire) if protocol == PROTOCOL:
                if wire.get("type") == "compaction":
                    return self._compaction(wire)
                if "input" not in wire:
                    return self._piece(dict(wire))
                start = self._begin({**wire, "input": {}})
                told = self._delta({"type": "input_json_delta", "partial_json": dump(wire["input"])})
                return start + told + _event({"type": "content_block_stop", "index": self._index})
            case ProviderContent():
                self._dropped.note(part.kind)
            case _:
                self._dropped.note(type(part).__name__.lower())
        return b""


def _event(fields: dict[str, Any]) -> bytes:
    return f"event: {fields['type']}\ndata: {dump(fields)}\n\n".encode()
