"""One choice of a Chat Completions stream: its deltas, cut into blocks.

The wire has no starts and ends: a block ends where a delta of another kind, or of another tool call, begins, and all
end with the finish reason.
"""

from dataclasses import dataclass
from typing import Any

from havuz_gateway.protocols.json_text import dump
from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral import events as ev
from havuz_gateway.protocols.neutral.content import RedactedThinking, Thinking
from havuz_gateway.protocols.neutral.errors import AnswerUnreadable
from havuz_gateway.protocols.openai_chat.citations import read_annotations
from havuz_gateway.protocols.openai_chat.decode_response import read_image
from havuz_gateway.protocols.openai_chat.reasoning import read_details
from havuz_gateway.protocols.openai_chat.tools import read_signature
from havuz_gateway.protocols.openai_chat.wire import answer_members


@dataclass(slots=True)
class _Open:
    """The block that deltas go to. `key` tells tool calls and thoughts apart."""

    kind: str
    id: str
    key: Any = None
    plain: bool = False  # thinking told by `reasoning_content` or `reasoning`
    signature: str | None = None
    origin: str | None = None
    item: str | None = None
    summary: bool = False
    expires_at: int | None = None


class ChoiceStream:
    """Turns the deltas of one choice into events."""

    __slots__ = ("_answer", "_blocks", "_calls", "_index", "_open", "_pending_name", "finished")

    def __init__(self, index: int, answer: str) -> None:
        self._index = index
        self._answer = answer  # the response's id, for calls that a server gives none
        self._blocks = 0
        self._open: _Open | None = None
        self._calls: set[Any] = set()
        self.finished = False

    def feed(self, delta: Members) -> list[ev.ChatEvent]:
        """The events in one `delta`. Raises `AnswerUnreadable`."""
        found = self._thinking(delta)
        text, refusal = delta.take("content"), delta.text("refusal")
        if text:
            found += self._content(text)
        if delta.peek("annotations"):
            found += self._cite(delta.take("annotations"))
        if self._open is not None and self._open.kind == "text":
            self._open.signature = read_signature(delta) or self._open.signature
        if refusal:
            found += self._enter("refusal", ev.RefusalStart)
            found.append(ev.RefusalDelta(self._index, self._opened().id, refusal))
        for image in delta.each("images"):
            found += self.close()
            found.append(ev.PartWhole(self._index, self._next_id("image"), read_image(image)))
        audio = delta.members("audio")
        if audio is not None:
            found += self._audio(audio)
        for number, call in enumerate(delta.some("tool_calls")):
            found += self._call(call, number)
        return found

    def more_text(self, text: str) -> list[ev.ChatEvent] | None:
        """Text for the open block; None if that is no text block."""
        if self._open is None or self._open.kind != "text":
            return None
        return [ev.TextDelta(self._index, self._open.id, text)]

    def close(self) -> list[ev.ChatEvent]:
        """End the open block, if there is one."""
        block, self._open = self._open, None
        if block is None:
            return []
        match block.kind:
            case "text":
                return [ev.TextEnd(self._index, block.id, signature=block.signature)]
            case "thinking":
                return [
                    ev.ThinkingEnd(
                        self._index, block.id, signature=block.signature, origin=block.origin, item=block.item,
                        summary=block.summary,
                    )
                ]  # fmt: skip
            case "tool":
                return [ev.ToolInputEnd(self._index, block.id)]
            case "refusal":
                return [ev.RefusalEnd(self._index, block.id)]
            case _:
                return [ev.AudioEnd(self._index, block.id, block.expires_at)]

    def _next_id(self, kind: str) -> str:
        self._blocks += 1
        return f"{kind}-{self._blocks - 1}"

    def _opened(self) -> _Open:
        if self._open is None:
            raise AnswerUnreadable("the provider's stream adds to a block that is not open")
        return self._open

    def _enter(self, kind: str, start: Any, key: Any = None) -> list[ev.ChatEvent]:
        """Make a block of this kind the open one."""
        if self._open is not None and self._open.kind == kind and self._open.key == key:
            return []
        ended = self.close()
        self._open = _Open(kind, self._next_id(kind), key)
        return [*ended, start(self._index, self._open.id)]

    def _content(self, content: Any) -> list[ev.ChatEvent]:
        """Text; or parts, as Mistral's reasoning models stream."""
        if isinstance(content, str):
            entered = self._enter("text", ev.TextStart)
            return [*entered, ev.TextDelta(self._index, self._opened().id, content)]
        found: list[ev.ChatEvent] = []
        for item in content if isinstance(content, list) else (content,):
            match item:
                case {"type": "text", "text": str() as text}:
                    found += self._content(text)
                case {"type": "thinking", "thinking": list() as inner}:
                    text = "".join(str(part.get("text", "")) for part in inner if isinstance(part, dict))
                    found += self._think(text)
                case _:
                    raise AnswerUnreadable("the provider's stream has a 'content' of an undocumented type")
        return found

    def _cite(self, annotations: Any) -> list[ev.ChatEvent]:
        entered = self._enter("text", ev.TextStart)
        block = self._opened().id
        return [*entered, *(ev.CitationDelta(self._index, block, cited) for cited in read_annotations(annotations))]

    def _think(self, text: str) -> list[ev.ChatEvent]:
        entered = self._enter("thinking", ev.ThinkingStart)
        block = self._opened()
        block.plain = True
        return [*entered, ev.ThinkingDelta(self._index, block.id, text)] if text else entered

    def _thinking(self, delta: Members) -> list[ev.ChatEvent]:
        names = ("reasoning_content", "reasoning")
        plain = next((text for name in names if isinstance(text := delta.take(name), str) and text), "")
        found = self._think(plain) if plain else []
        raw = delta.take("reasoning_details")
        indexes = [item.get("index") for item in raw if isinstance(item, dict)] if isinstance(raw, list) else []
        for index, thought in zip(indexes, read_details(raw), strict=False):
            if isinstance(thought, RedactedThinking):
                found += self.close()
                found.append(ev.PartWhole(self._index, self._next_id("thinking"), thought))
            else:
                found += self._detail(thought, index, alone=not plain)
        return found

    def _detail(self, thought: Thinking, index: Any, *, alone: bool) -> list[ev.ChatEvent]:
        """A text or summary entry. Beside plain text it repeats that; after plain text it closes the block."""
        block = self._open if self._open is not None and self._open.kind == "thinking" else None
        found: list[ev.ChatEvent] = []
        told = block is not None and block.plain
        if block is None or not told:
            found += self._enter("thinking", ev.ThinkingStart, index)
            block = self._opened()
            if thought.text:
                found.append(ev.ThinkingDelta(self._index, block.id, thought.text))
        block.signature = thought.signature or block.signature
        block.origin = thought.origin or block.origin
        block.item = thought.id or block.item
        block.summary = block.summary or thought.summary
        if (told and alone) or thought.signature is not None:
            found += self.close()
        return found

    def _audio(self, audio: Members) -> list[ev.ChatEvent]:
        found: list[ev.ChatEvent] = []
        item = audio.text("id")
        if self._open is None or self._open.kind != "audio":
            found += self.close()
            self._open = _Open("audio", self._next_id("audio"))
            found.append(ev.AudioStart(self._index, self._open.id, item))
        block = self._opened()
        block.expires_at = audio.whole("expires_at") or block.expires_at
        data, transcript = audio.text("data") or "", audio.text("transcript") or ""
        if data or transcript:
            found.append(ev.AudioDelta(self._index, block.id, data, transcript))
        return found

    def _call(self, call: Members, number: int) -> list[ev.ChatEvent]:
        """A piece of a tool call. A new index or a new id begins another; some servers send only one of the two."""
        index, call_id = call.whole("index"), call.text("id")
        custom = call.peek("custom") is not None or call.text("type") == "custom"
        spoken = call.members("custom" if custom else "function") or answer_members({}, call.at("function"))
        open_call = self._open if self._open is not None and self._open.kind == "tool" else None
        same_id = open_call is not None and call_id in (None, "", open_call.key[1])
        same_index = open_call is not None and index in (None, open_call.key[0])
        found: list[ev.ChatEvent] = []
        if open_call is None or not (same_id and same_index):
            name = spoken.text("name")
            key = (index if index is not None else len(self._calls), call_id or self._made_up_id())
            if not name or key[1] in self._calls:
                raise AnswerUnreadable(f"the provider's stream adds to the tool call {number}, which is not open")
            found += self.close()
            self._calls.add(key[1])
            self._open = open_call = _Open("tool", self._next_id("tool"), key)
            found.append(
                ev.ToolInputStart(
                    self._index, open_call.id, key[1], name, kind="custom" if custom else "function",
                    signature=read_signature(call),
                )
            )  # fmt: skip
        arguments = spoken.take("input" if custom else "arguments")
        text = arguments if isinstance(arguments, str | None) else dump(arguments)
        if text:
            found.append(ev.ToolInputDelta(self._index, open_call.id, text))
        return found

    def _made_up_id(self) -> str:
        return f"call_{self._answer}_{self._index}_{len(self._calls)}"
