"""A Messages stream to neutral events: https://platform.claude.com/docs/en/build-with-claude/streaming."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from havuz_gateway.protocols.anthropic.citations import read_citation
from havuz_gateway.protocols.anthropic.decode_messages import leftovers, take_caller
from havuz_gateway.protocols.anthropic.decode_response import ENDING, finish_extensions, read_reported
from havuz_gateway.protocols.anthropic.errors import read_stream_error
from havuz_gateway.protocols.anthropic.finish import read_finish
from havuz_gateway.protocols.anthropic.thinking import read_redacted, read_thinking
from havuz_gateway.protocols.anthropic.usage import merge_usage, read_tier, read_usage
from havuz_gateway.protocols.anthropic.wire import PROTOCOL, answer_members, read_input, write_input
from havuz_gateway.protocols.json_text import load_object
from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral import events as ev
from havuz_gateway.protocols.neutral.carrier import Sealed
from havuz_gateway.protocols.neutral.content import ProviderContent
from havuz_gateway.protocols.neutral.errors import AnswerUnreadable, StreamTruncated
from havuz_gateway.protocols.neutral.extensions import kept

_INSIDE = ("content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop")
_TOLD_IN_PIECES = ("text", "thinking", "redacted_thinking", "tool_use")
_DELTAS = ("text_delta", "citations_delta", "thinking_delta", "signature_delta", "input_json_delta")
_START = {"role", "type", "content", "stop_reason", "stop_sequence"}


@dataclass(slots=True)
class _Block:
    kind: str
    id: str
    wire: dict[str, Any] = field(default_factory=dict)  # of an opaque block
    text: list[str] = field(default_factory=list)  # pieces of JSON, or of a signature
    given: str = ""  # arguments that came whole with the start

    def add_summary(self, delta: Members) -> None:
        """More of a compaction: its summary, or null for one that failed, and the seals that go with it."""
        if (text := delta.text("content")) is not None:
            self.wire["content"] = (self.wire.get("content") or "") + text
        self.wire |= leftovers(delta)


class AnthropicStreamDecoder:
    """Reads the events of one stream."""

    __slots__ = ("_blocks", "_early", "_ended", "_finished", "_id", "_seals", "_started", "_usage")

    def __init__(self) -> None:
        self._blocks: dict[int, _Block] = {}
        self._seals: dict[str, str] = {}
        self._usage: dict[str, Any] = {}
        self._early: ev.ChoiceEnd | None = None  # what the start said of the end
        self._id = ""
        self._started = False
        self._finished = False
        self._ended = False

    def feed(self, data: bytes) -> list[ev.ChatEvent]:
        """The neutral events in one event's data. Events of unknown types say nothing, as Anthropic asks."""
        if self._ended:
            return []
        event = load_object(data)
        if event is None:
            raise AnswerUnreadable("the provider's stream has an event that is no JSON object")
        text = self._only_text(event)
        if text is not None:
            return text
        kind = event.get("type")
        if kind == "error" or (kind is None and event.get("error")):  # the latter of a proxy, which knows no events
            self._ended = True
            error = read_stream_error(event)
            return [] if error is None else [ev.ResponseError(error)]
        fields = answer_members(event, "")
        if kind == "message_start":
            return self._message_start(fields)
        if kind in _INSIDE:
            if not self._started:
                raise AnswerUnreadable(f"the provider's stream has a {kind!r} before its 'message_start'")
            return self._inside(str(kind), fields)
        return []

    def end(self) -> list[ev.ChatEvent]:
        """The provider closed the stream. Raises `StreamTruncated` without `message_stop` or an error before."""
        if not self._ended:
            raise StreamTruncated("the provider's stream stopped before 'message_stop'")
        return []

    def _only_text(self, event: dict[str, Any]) -> list[ev.ChatEvent] | None:
        """The quick way of the most frequent event: more text for an open block."""
        delta, index = event.get("delta"), event.get("index")
        if event.get("type") != "content_block_delta" or type(delta) is not dict or type(index) is not int:
            return None
        block, text = self._blocks.get(index), delta.get("text")
        if delta.get("type") != "text_delta" or block is None or block.kind != "text" or type(text) is not str:
            return None
        return [ev.TextDelta(0, block.id, text)] if text else []

    def _inside(self, kind: str, fields: Members) -> list[ev.ChatEvent]:
        match kind:
            case "content_block_start":
                return self._block_start(fields)
            case "content_block_delta":
                return self._block_delta(fields)
            case "content_block_stop":
                return self._block_stop(fields)
            case "message_delta":
                return self._message_delta(fields)
            case _:
                return self._message_stop()

    def _message_start(self, fields: Members) -> list[ev.ChatEvent]:
        message = fields.members("message")
        if message is None:
            raise fields.wrong("message", None, "an object")
        response_id, model = message.text("id") or "", message.text("model") or ""
        if self._started:
            if response_id and response_id == self._id:
                return []  # some servers say it twice
            raise AnswerUnreadable("the provider's stream has a second 'message_start'")
        self._started, self._id = True, response_id
        self._usage = message.mapping("usage") or {}
        self._early = _ending(message, ENDING)
        blocks = [told for index, block in enumerate(message.each("content")) for told in self._given(index, block)]
        rest = {name: value for name, value in leftovers(message).items() if name not in _START}
        return [
            ev.ResponseStart(
                response_id,
                model,
                usage=read_usage(self._usage),
                service_tier=read_tier(self._usage),
                extensions=kept(PROTOCOL, rest),
            ),
            *blocks,
        ]

    def _given(self, index: int, block: Members) -> list[ev.ChatEvent]:
        """A block that the start holds already, as where code that calls tools goes on after a result."""
        opened = _Block(block.needed_text("type"), f"given-{index}")
        return [*self._begin(block, opened), *self._close(opened)]

    def _block_start(self, fields: Members) -> list[ev.ChatEvent]:
        index, block = fields.whole("index"), fields.members("content_block")
        if index is None or block is None:
            raise fields.wrong("content_block", None, "an object, with an 'index' beside it")
        opened = self._blocks[index] = _Block(block.needed_text("type"), str(index))
        return self._begin(block, opened)

    def _begin(self, block: Members, opened: _Block) -> list[ev.ChatEvent]:
        block_id = opened.id
        match opened.kind:
            case "text":
                text = block.text("text") or ""
                for citation in block.array("citations") or []:
                    opened.wire.setdefault("citations", []).append(citation)
                start = ev.TextStart(0, block_id, extensions=kept(PROTOCOL, leftovers(block)))
                cited = [
                    ev.CitationDelta(0, block_id, read_citation(wire)) for wire in opened.wire.get("citations", [])
                ]
                return [start, *([ev.TextDelta(0, block_id, text)] if text else []), *cited]
            case "thinking":
                text, signature = block.text("thinking") or "", block.text("signature")
                if signature:
                    opened.text.append(signature)
                started = ev.ThinkingStart(0, block_id, extensions=kept(PROTOCOL, leftovers(block)))
                return [started, *([ev.ThinkingDelta(0, block_id, text)] if text else [])]
            case "redacted_thinking":
                part = read_redacted(block.needed_text("data"), kept(PROTOCOL, leftovers(block)))
                if isinstance(part, Sealed):
                    self._seals[part.id or ""] = part.seal
                    return []
                return [ev.PartWhole(0, block_id, part)]
            case "tool_use":
                return [self._call(block, opened)]
            case kind:  # only this protocol's, or newer than this gateway
                opened.wire = {"type": kind, **block.rest()}
                return []

    def _call(self, block: Members, opened: _Block) -> ev.ToolInputStart:
        call_id, name = block.needed_text("id"), block.needed_text("name")
        given = block.take("input")  # empty, but for servers that tell it all at once
        opened.given = read_input(given) if isinstance(given, dict) and given else ""
        spelled = take_caller(block)
        extensions = kept(PROTOCOL, leftovers(block), spelled=spelled)
        return ev.ToolInputStart(
            0, opened.id, call_id, name, signature=self._seals.get(call_id), extensions=extensions
        )  # fmt: skip

    def _opened(self, fields: Members) -> _Block:
        index = fields.whole("index")
        block = self._blocks.get(-1 if index is None else index)
        if block is None:
            raise AnswerUnreadable(f"the provider's stream adds to the content block {index}, which is not open")
        return block

    def _block_delta(self, fields: Members) -> list[ev.ChatEvent]:
        block, delta = self._opened(fields), fields.members("delta")
        if delta is None:
            raise fields.wrong("delta", None, "an object")
        match block.kind, delta.needed_text("type"):
            case "text", "text_delta":
                return [ev.TextDelta(0, block.id, text)] if (text := delta.needed_text("text")) else []
            case "text", "citations_delta":
                return [ev.CitationDelta(0, block.id, read_citation(delta.mapping("citation") or {}))]
            case "thinking", "thinking_delta":
                return [ev.ThinkingDelta(0, block.id, text)] if (text := delta.needed_text("thinking")) else []
            case "thinking", "signature_delta":
                block.text.append(delta.needed_text("signature"))
                return []
            case "tool_use", "input_json_delta":
                block.text.append(text := delta.needed_text("partial_json"))
                return [ev.ToolInputDelta(0, block.id, text)] if text else []
            case kind, other:
                return self._other_delta(block, kind, other, delta)

    def _other_delta(self, block: _Block, kind: str, other: str, delta: Members) -> list[ev.ChatEvent]:
        """Of a block that only this protocol has, or of a type newer than this gateway, which says nothing."""
        told_in_pieces = kind in _TOLD_IN_PIECES
        if told_in_pieces and other in _DELTAS:
            raise delta.wrong("type", other, f"a documented delta of a {kind!r} block")
        if other == "input_json_delta":
            block.text.append(delta.needed_text("partial_json"))
        elif other == "compaction_delta" and not told_in_pieces:
            block.add_summary(delta)
        return []

    def _block_stop(self, fields: Members) -> list[ev.ChatEvent]:
        block = self._opened(fields)
        self._blocks = {index: other for index, other in self._blocks.items() if other is not block}
        return self._close(block)

    def _close(self, block: _Block) -> list[ev.ChatEvent]:
        match block.kind:
            case "text":
                return [ev.TextEnd(0, block.id)]
            case "thinking":
                seal = read_thinking("", "".join(block.text), {})
                return [
                    ev.ThinkingEnd(
                        0, block.id, signature=seal.signature, origin=seal.origin, item=seal.id, summary=seal.summary
                    )
                ]
            case "tool_use":
                whole = [] if "".join(block.text) else [ev.ToolInputDelta(0, block.id, block.given or "{}")]
                return [*whole, ev.ToolInputEnd(0, block.id)]
            case "redacted_thinking":
                return []
            case _:
                if pieces := "".join(block.text):
                    block.wire["input"] = write_input(pieces)
                return [ev.PartWhole(0, block.id, ProviderContent(PROTOCOL, block.wire))]

    def _message_delta(self, fields: Members) -> list[ev.ChatEvent]:
        found: list[ev.ChatEvent] = []
        delta = fields.members("delta")
        ending = None if delta is None else _ending(delta)
        if ending is not None and not self._finished:
            self._finished = True
            found.append(ending)
        self._usage = merge_usage(self._usage, fields.mapping("usage") or {})
        usage, tier, spelled = read_reported(self._usage)
        fields.take("type")
        extensions = kept(PROTOCOL, leftovers(fields), spelled=spelled)
        return [*found, ev.UsageReport(usage, service_tier=tier, extensions=extensions)]

    def _message_stop(self) -> list[ev.ChatEvent]:
        early = self._early if not self._finished else None
        if (not self._finished and early is None) or self._blocks:
            raise StreamTruncated("the provider's stream ended without a stop reason, or inside a content block")
        self._ended = True
        if early is None:
            return [ev.ResponseEnd()]
        usage, tier, spelled = read_reported(self._usage)
        report = ev.UsageReport(usage, service_tier=tier, extensions=kept(PROTOCOL, {}, spelled=spelled))
        return [early, report, ev.ResponseEnd()]


def _ending(holder: Members, names: Iterable[str] | None = None) -> ev.ChoiceEnd | None:
    """Why the answer ended, with what else is said of its end: the members `names`, or all that are left."""
    reason = holder.text("stop_reason")
    if reason is None:
        return None
    finish = read_finish(reason, holder.text("stop_sequence"))
    if names is None:
        ending = leftovers(holder)
    else:
        ending = {name: value for name in names if (value := holder.take(name)) is not None}
    return ev.ChoiceEnd(0, finish, extensions=finish_extensions(finish, ending))
