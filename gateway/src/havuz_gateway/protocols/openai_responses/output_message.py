"""A message item that is being streamed: its texts and refusals, each a content part."""

from collections.abc import Sequence
from typing import Any

from havuz_gateway.protocols.json_text import dump
from havuz_gateway.protocols.neutral import events as ev
from havuz_gateway.protocols.neutral.content import Citation, Refusal, Text
from havuz_gateway.protocols.neutral.extensions import Dropped, Extensions, merged
from havuz_gateway.protocols.neutral.response import TokenLogprob
from havuz_gateway.protocols.openai_responses.frames import Frames
from havuz_gateway.protocols.openai_responses.write_items import Spoken, message_item, write_text


class _Part:
    """What came of one part so far."""

    __slots__ = ("citations", "extensions", "index", "place", "refusal", "text", "tokens", "where")

    def __init__(self, index: int, where: dict[str, Any], extensions: Extensions, *, refusal: bool) -> None:
        self.index = index
        self.where = where
        self.place = dump(where)[1:-1]
        self.extensions = extensions
        self.refusal = refusal
        self.text: list[str] = []
        self.citations: list[Citation] = []
        self.tokens: list[TokenLogprob] = []

    def whole(self, extensions: Extensions, signature: str | None) -> Spoken:
        """The part that was told."""
        text, said = "".join(self.text), merged(self.extensions, extensions)
        if self.refusal:
            return Refusal(text, extensions=said)
        return Text(text, citations=tuple(self.citations), signature=signature, extensions=said)


class OutputMessage:
    """Writes one message."""

    def __init__(self, index: int, item_id: str, frames: Frames, dropped: Dropped) -> None:
        self.index = index
        self._item_id = item_id
        self._frames = frames
        self._dropped = dropped
        self._open: dict[str, _Part] = {}
        self._content: list[dict[str, Any]] = []
        self._first: Spoken = Text("")

    def begin(self, event: ev.TextStart | ev.RefusalStart) -> bytes:
        """A part begins."""
        refusal = isinstance(event, ev.RefusalStart)
        number = len(self._content)
        where = {"item_id": self._item_id, "output_index": self.index, "content_index": number}
        self._open[event.id] = _Part(number, where, event.extensions, refusal=refusal)
        empty: dict[str, Any] = (
            {"type": "refusal", "refusal": ""}
            if refusal
            else {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        )
        self._content.append(empty)
        return self._frames.event("response.content_part.added", **where, part=empty)

    def more(self, event: ev.TextDelta | ev.RefusalDelta) -> bytes:
        """More of a part."""
        part = self._open[event.id]
        part.text.append(event.text)
        if isinstance(event, ev.TextDelta):
            return self._frames.text_delta(part.place, event.text)
        return self._frames.event("response.refusal.delta", **part.where, delta=event.text)

    def cite(self, event: ev.CitationDelta) -> bytes:
        """A source; it is told when the length of its text is known."""
        self._open[event.id].citations.append(event.citation)
        return b""

    def add_tokens(self, tokens: Sequence[TokenLogprob]) -> bool:
        """Log probabilities for the part that is open, if that is a text."""
        part = next((part for part in self._open.values() if not part.refusal), None)
        if part is not None:
            part.tokens += tokens
        return part is not None

    def end(self, event: ev.TextEnd | ev.RefusalEnd) -> bytes:
        """A part is whole."""
        part = self._open.pop(event.id)
        spoken = part.whole(event.extensions, event.signature if isinstance(event, ev.TextEnd) else None)
        if part.index == 0:
            self._first = spoken
        wire = self._content[part.index] = write_text(spoken, self._dropped, part.tokens)
        written = self._text_done(part, spoken, wire)
        return written + self._frames.event("response.content_part.done", **part.where, part=wire)

    def _text_done(self, part: _Part, spoken: Spoken, wire: dict[str, Any]) -> bytes:
        if part.refusal:
            return self._frames.event("response.refusal.done", **part.where, refusal=spoken.text)
        written = b""
        for number, annotation in enumerate(wire.get("annotations") or ()):
            written += self._frames.event(
                "response.output_text.annotation.added", **part.where, annotation_index=number, annotation=annotation
            )
        tokens = wire.get("logprobs") or []
        return written + self._frames.event(
            "response.output_text.done", **part.where, text=spoken.text, logprobs=tokens
        )

    def whole(self, status: str) -> dict[str, Any]:
        """The item in the end."""
        return message_item(self._first, self._content, self._item_id, status)
