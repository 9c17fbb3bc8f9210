"""Blocks of a neutral stream to the output items of a response: every item has a beginning, pieces and an end.

A message takes in the texts that follow one another, so it ends when something else begins.
"""

from typing import Any

from havuz_gateway.protocols.neutral import events as ev
from havuz_gateway.protocols.neutral.content import (
    Image,
    Part,
    ProviderContent,
    RedactedThinking,
    ToolCall,
)
from havuz_gateway.protocols.neutral.extensions import Dropped, Extensions, merged
from havuz_gateway.protocols.openai_responses.frames import Frames
from havuz_gateway.protocols.openai_responses.output_message import OutputMessage
from havuz_gateway.protocols.openai_responses.output_reasoning import OutputReasoning
from havuz_gateway.protocols.openai_responses.reasoning import write_call_seal, write_reasoning
from havuz_gateway.protocols.openai_responses.wire import ITEM, ITEM_SPELLING, PROTOCOL, SPELLING, made_id
from havuz_gateway.protocols.openai_responses.write_items import write_call, write_image

_SOUND = "response.audio"


class _Call:
    """A tool call whose arguments are coming."""

    __slots__ = ("event", "index", "item_id", "text")

    def __init__(self, event: ev.ToolInputStart, index: int, item_id: str) -> None:
        self.event = event
        self.index = index
        self.item_id = item_id
        self.text: list[str] = []

    def whole(self, extensions: Extensions) -> dict[str, Any]:
        """The item as it stands."""
        start = self.event
        call = ToolCall(
            start.call_id, start.name, "".join(self.text), kind=start.kind,
            extensions=merged(start.extensions, extensions),
        )  # fmt: skip
        return write_call(call, self.item_id)


class OutputStream:
    """Writes the items of one answer, and keeps them for its end."""

    def __init__(self, response_id: str, frames: Frames, dropped: Dropped) -> None:
        self._response_id = response_id
        self._frames = frames
        self._dropped = dropped
        self._items: list[dict[str, Any] | None] = []  # None: still open
        self._message: OutputMessage | None = None
        self._messages: dict[str, OutputMessage] = {}  # of the blocks that are open
        self._thoughts: dict[str, OutputReasoning] = {}
        self._calls: dict[str, _Call] = {}

    @property
    def items(self) -> list[dict[str, Any]]:
        """The items that are whole."""
        return [item for item in self._items if item is not None]

    @property
    def is_open(self) -> bool:
        """Whether a block has begun and not ended."""
        return bool(self._messages or self._thoughts or self._calls)

    def feed(self, event: ev.ChatEvent) -> bytes:
        """The SSE events that tell `event` of the first choice."""
        match event:
            case ev.TextStart() | ev.RefusalStart():
                message, begun = self._message_for(event.extensions)
                self._messages[event.id] = message
                return begun + message.begin(event)
            case ev.TextDelta() | ev.RefusalDelta():
                return self._messages[event.id].more(event)
            case ev.CitationDelta():
                return self._messages[event.id].cite(event)
            case ev.TextEnd() | ev.RefusalEnd():
                return self._messages.pop(event.id).end(event)
            case ev.LogprobsDelta():
                return self._tokens(event)
            case ev.ThinkingStart() | ev.ThinkingDelta() | ev.ThinkingEnd():
                return self._thinking(event)
            case ev.ToolInputStart() | ev.ToolInputDelta() | ev.ToolInputEnd():
                return self._tool(event)
            case ev.PartWhole():
                return self._close_message() + self._whole(event.part)
            case ev.AudioStart() | ev.AudioDelta() | ev.AudioEnd():
                return self._sound(event)
            case _:
                return b""

    def close(self, status: str) -> bytes:
        """The answer ends; its last message has the `status` of the whole."""
        return self._close_message(status)

    def _begin(self, kind: str, extensions: Extensions, key: str) -> tuple[int, str]:
        """The place of a new item and its id."""
        index = len(self._items)
        self._items.append(None)
        own = extensions.get(key, {}).get("id")
        return index, own if isinstance(own, str) else made_id(kind, self._response_id, index)

    def _added(self, index: int, item: dict[str, Any]) -> bytes:
        return self._frames.event("response.output_item.added", output_index=index, item=item)

    def _ended(self, index: int, item: dict[str, Any]) -> bytes:
        self._items[index] = item
        return self._frames.event("response.output_item.done", output_index=index, item=item)

    def _piece(self, kind: str, item: dict[str, Any]) -> bytes:
        """An item that comes whole."""
        index, _ = self._begin(kind, {}, SPELLING)
        return self._added(index, item) + self._ended(index, item)

    def _message_for(self, extensions: Extensions) -> tuple[OutputMessage, bytes]:
        begins = ITEM_SPELLING in extensions or ITEM in extensions
        if self._message is not None and not begins:
            return self._message, b""
        closed = self._close_message()
        index, item_id = self._begin("message", extensions, ITEM_SPELLING)
        self._message = OutputMessage(index, item_id, self._frames, self._dropped)
        said = {**extensions.get(ITEM, {}), "id": item_id, "status": "in_progress"}
        item = {"type": "message", "role": "assistant", "content": [], **said}
        return self._message, closed + self._added(index, item)

    def _close_message(self, status: str = "completed") -> bytes:
        message = self._message
        if message is None or message in self._messages.values():
            return b""
        self._message = None
        return self._ended(message.index, message.whole(status))

    def _tokens(self, event: ev.LogprobsDelta) -> bytes:
        """Of the text that is open."""
        if event.logprobs.refusal:
            self._dropped.note("logprobs")
        if event.logprobs.content:
            message = next(iter(self._messages.values()), None)
            if message is None or not message.add_tokens(event.logprobs.content):
                self._dropped.note("logprobs")
        return b""

    def _thinking(self, event: ev.ThinkingStart | ev.ThinkingDelta | ev.ThinkingEnd) -> bytes:
        match event:
            case ev.ThinkingStart():
                return self._thinking_start(event)
            case ev.ThinkingDelta():
                return self._thoughts[event.id].more(event)
            case ev.ThinkingEnd():
                reasoning = self._thoughts.pop(event.id)
                written = reasoning.end(event)
                if reasoning.is_open:
                    return written
                return written + self._ended(reasoning.index, reasoning.whole())

    def _thinking_start(self, event: ev.ThinkingStart) -> bytes:
        own = event.item if event.origin == PROTOCOL else None
        for reasoning in self._thoughts.values():
            if own is not None and reasoning.item_id == own:  # an item that tells its text and a summary of it
                self._thoughts[event.id] = reasoning
                return reasoning.begin(event)
        closed = self._close_message()
        index, item_id = self._begin("reasoning", {SPELLING: {"id": own}}, SPELLING)
        reasoning = self._thoughts[event.id] = OutputReasoning(index, item_id, self._frames)
        added = self._added(index, {"type": "reasoning", "id": item_id, "summary": []})
        return closed + added + reasoning.begin(event)

    def _tool(self, event: ev.ToolInputStart | ev.ToolInputDelta | ev.ToolInputEnd) -> bytes:
        if isinstance(event, ev.ToolInputStart):
            return self._tool_start(event)
        call = self._calls[event.id]
        custom = call.event.kind == "custom"
        name = "custom_tool_call_input" if custom else "function_call_arguments"
        place = {"item_id": call.item_id, "output_index": call.index}
        if isinstance(event, ev.ToolInputDelta):
            call.text.append(event.text)
            return self._frames.event(f"response.{name}.delta", **place, delta=event.text)
        del self._calls[event.id]
        whole = {**place, "input" if custom else "arguments": "".join(call.text)}
        done = self._frames.event(f"response.{name}.done", **whole)
        return done + self._ended(call.index, call.whole(event.extensions))

    def _tool_start(self, event: ev.ToolInputStart) -> bytes:
        self._dropped.foreign(event.extensions, "function_call")
        written = self._close_message()
        if event.signature is not None:
            seal_id = made_id("reasoning", self._response_id, len(self._items))
            written += self._piece("reasoning", write_call_seal(seal_id, event.call_id, event.signature))
        kind = "custom_tool_call" if event.kind == "custom" else "function_call"
        index, item_id = self._begin(kind, event.extensions, SPELLING)
        call = self._calls[event.id] = _Call(event, index, item_id)
        return written + self._added(index, {**call.whole({}), "status": "in_progress"})

    def _whole(self, part: Part) -> bytes:
        index = len(self._items)
        match part:
            case RedactedThinking():
                own = part.origin == PROTOCOL and part.id is not None
                item_id = part.id if own else made_id("reasoning", self._response_id, index)
                raw = part.extensions.get(SPELLING, {}).get("item")
                return self._piece("reasoning", dict(raw) if raw is not None else write_reasoning(part, item_id))
            case Image():
                image = write_image(part, made_id("image_generation_call", self._response_id, index))
                if image is not None:
                    return self._piece("image_generation_call", image)
                self._dropped.note("image")
            case ProviderContent(protocol=protocol, wire=wire) if protocol == PROTOCOL:
                return self._piece("message", dict(wire))
            case ProviderContent():
                self._dropped.note(part.kind)
            case _:
                self._dropped.note(type(part).__name__.lower())
        return b""

    def _sound(self, event: ev.AudioStart | ev.AudioDelta | ev.AudioEnd) -> bytes:
        match event:
            case ev.AudioStart():
                return b""
            case ev.AudioDelta():
                data = self._frames.event(f"{_SOUND}.delta", delta=event.data) if event.data else b""
                if not event.transcript:
                    return data
                return data + self._frames.event(f"{_SOUND}.transcript.delta", delta=event.transcript)
            case ev.AudioEnd():
                return self._frames.event(f"{_SOUND}.done") + self._frames.event(f"{_SOUND}.transcript.done")
