"""A reasoning item that is being streamed: the reasoning itself, a summary of it, or both."""

from typing import Any

from havuz_gateway.protocols.neutral import events as ev
from havuz_gateway.protocols.neutral.content import Thinking
from havuz_gateway.protocols.openai_responses.frames import Frames
from havuz_gateway.protocols.openai_responses.reasoning import Form, form_of, write_reasoning
from havuz_gateway.protocols.openai_responses.wire import SPELLING


class _Told:
    __slots__ = ("form", "text")

    def __init__(self, form: Form) -> None:
        self.form: Form = form
        self.text: list[str] = []


class OutputReasoning:
    """Writes one item. Its parts begin with their first text: what is only sealed has none."""

    def __init__(self, index: int, item_id: str, frames: Frames) -> None:
        self.index = index
        self.item_id = item_id
        self._frames = frames
        self._open: dict[str, _Told] = {}
        self._whole: dict[str, Any] = {}
        self._as_it_came = False

    @property
    def is_open(self) -> bool:
        """Whether more of it will come."""
        return bool(self._open)

    def begin(self, event: ev.ThinkingStart) -> bytes:
        """A text of it begins."""
        self._open[event.id] = _Told("summary" if event.summary else "content")
        return b""

    def more(self, event: ev.ThinkingDelta) -> bytes:
        """More of a text."""
        told = self._open[event.id]
        begun = b"" if told.text else self._part("added", told, "")
        told.text.append(event.text)
        return begun + self._event(told, "text.delta", delta=event.text)

    def end(self, event: ev.ThinkingEnd) -> bytes:
        """A text is whole; what the item says beside it is known now."""
        told = self._open.pop(event.id)
        text = "".join(told.text)
        thinking = Thinking(
            text, signature=event.signature, origin=event.origin, id=event.item, summary=event.summary
        )  # fmt: skip
        spelled = event.extensions.get(SPELLING, {})
        if "item" in spelled:
            self._whole, self._as_it_came = dict(spelled["item"]), True
        elif not self._as_it_came:
            self._whole = write_reasoning(thinking, self.item_id, told.form if told.text else form_of(thinking))
        if not told.text:
            return b""
        return self._event(told, "text.done", text=text) + self._part("done", told, text)

    def whole(self) -> dict[str, Any]:
        """The item in the end."""
        return self._whole

    def _event(self, told: _Told, name: str, **fields: Any) -> bytes:
        where = {"item_id": self.item_id, "output_index": self.index}
        if told.form == "summary":
            return self._frames.event(f"response.reasoning_summary_{name}", **where, summary_index=0, **fields)
        return self._frames.event(f"response.reasoning_{name}", **where, content_index=0, **fields)

    def _part(self, name: str, told: _Told, text: str) -> bytes:
        if told.form == "summary":
            return self._event(told, f"part.{name}", part={"type": "summary_text", "text": text})
        where = {"item_id": self.item_id, "output_index": self.index, "content_index": 0}
        part = {"type": "reasoning_text", "text": text}
        return self._frames.event(f"response.content_part.{name}", **where, part=part)
