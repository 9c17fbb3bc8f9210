"""A message of a Responses stream: texts and refusals, each in a content part of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from havuz_gateway.protocols.neutral import events as ev
from havuz_gateway.protocols.neutral.content import Text
from havuz_gateway.protocols.neutral.extensions import Extensions, merged
from havuz_gateway.protocols.neutral.response import Logprobs, TokenLogprob
from havuz_gateway.protocols.openai_responses.citations import read_annotation
from havuz_gateway.protocols.openai_responses.item_stream import Found, Shared, WholeItem, rest_of
from havuz_gateway.protocols.openai_responses.read_items import item_extensions, read_text, take_tokens
from havuz_gateway.protocols.openai_responses.wire import answer_members, read_tokens

_REFUSAL = "refusal"


@dataclass(slots=True)
class _Part:
    id: str
    refusal: bool
    first: bool  # of all texts of the answer
    told: list[str] = field(default_factory=list)
    cited: int = 0
    tokens: tuple[TokenLogprob, ...] = ()
    whole: Mapping[str, Any] | None = None


class MessageItem:
    """The parts of one message. A part ends when the next begins, or with the message."""

    __slots__ = ("_item", "_name", "_open", "_shared")

    def __init__(self, name: str, item: Mapping[str, Any], shared: Shared) -> None:
        self._name = name
        self._item = item
        self._shared = shared
        self._open: dict[int, _Part | None] = {}  # None: it has ended

    def begin(self) -> Found:
        """Nothing yet: its parts begin by themselves."""
        return []

    def more_text(self, index: int, text: str) -> ev.TextDelta | None:
        """The quick way: text for a part that is open."""
        part = self._open.get(index)
        if part is None or part.refusal:
            return None
        part.told.append(text)
        return ev.TextDelta(0, part.id, text)

    def part_added(self, index: int, wire: Mapping[str, Any]) -> Found:
        """A part begins; some servers begin it with text."""
        refusal = wire.get("type") == _REFUSAL
        text = wire.get(_REFUSAL if refusal else "text")
        return self.delta(index, text if isinstance(text, str) else "", refusal=refusal)

    def part_done(self, index: int, wire: Mapping[str, Any]) -> Found:
        """A part as it is in the end; the message may say the same again."""
        part = self._open.get(index)
        if part is not None:
            part.whole = wire
        return []

    def delta(self, index: int, text: str, *, refusal: bool = False, tokens: Any = None) -> Found:
        """More of a text or a refusal; it begins here if no event began it."""
        found: Found = []
        part = self._open.get(index)
        if part is None:
            if index in self._open:
                return []  # a part that has ended is not added to
            part, found = self._begin(index, refusal=refusal)
        part.tokens += read_tokens(tokens)
        return found + self._more(part, text)

    def cite(self, index: int, annotation: Any) -> Found:
        """A source of a text."""
        part = self._open.get(index)
        if part is None or part.refusal or annotation is None:
            return []
        part.cited += 1
        return [ev.CitationDelta(0, part.id, read_annotation(annotation))]

    def done(self, item: Mapping[str, Any]) -> Found:
        """The message is whole: its parts end, and those that were never streamed are told."""
        content = item.get("content")
        found: Found = []
        if not content and not self._open:
            return WholeItem(self._name).done(item)
        for index, wire in enumerate(content if isinstance(content, list) else ()):
            members = answer_members(wire, f"output.content[{index}]")
            if index not in self._open:
                found += self.part_added(index, {**members.rest(), "text": "", _REFUSAL: ""})
            found += self._end(index, wire, item)
        return found + self.cut()

    def cut(self) -> Found:
        """What is open ends where it is."""
        return self._cut(self._item)

    def _cut(self, item: Mapping[str, Any]) -> Found:
        return [event for index in list(self._open) for event in self._end(index, None, item)]

    def _begin(self, index: int, *, refusal: bool) -> tuple[_Part, Found]:
        # the first part carries the message's status, which its last part will have made this one
        found = self._cut({**self._item, "status": "completed"} if "status" in self._item else self._item)
        part = self._open[index] = _Part(f"{self._name}.{index}", refusal, self._shared.texts == 0)
        extensions = self._extensions(index, self._item)
        if refusal:
            return part, [*found, ev.RefusalStart(0, part.id, extensions=extensions)]
        self._shared.texts += 1
        return part, [*found, ev.TextStart(0, part.id, extensions=extensions)]

    def _more(self, part: _Part, text: str) -> Found:
        if not text:
            return []
        part.told.append(text)
        return [ev.RefusalDelta(0, part.id, text) if part.refusal else ev.TextDelta(0, part.id, text)]

    def _extensions(self, index: int, item: Mapping[str, Any]) -> Extensions:
        if index != 0:
            return {}
        members = answer_members(item, "output")
        for name in ("role", "content"):
            members.take(name)
        return item_extensions(members, members.text("type"))

    def _end(self, index: int, wire: Mapping[str, Any] | None, item: Mapping[str, Any]) -> Found:
        part, self._open[index] = self._open.get(index), None
        if part is None:
            return []
        wire = wire or part.whole
        extensions = self._extensions(index, item)
        found: Found = []
        if wire is not None:
            stripped, tokens = take_tokens(wire)
            part.tokens = tokens or part.tokens
            said = read_text(answer_members(stripped if part.first else wire, f"output.content[{index}]"))
            found += self._more(part, rest_of(part.told, said.text))
            if isinstance(said, Text):
                late = said.citations[part.cited :]
                found += (ev.CitationDelta(0, part.id, citation) for citation in late)
            extensions = merged(extensions, said.extensions)
        if part.tokens:
            found.append(ev.LogprobsDelta(0, Logprobs(part.tokens)))
        if part.refusal:
            return [*found, ev.RefusalEnd(0, part.id, extensions=extensions)]
        return [*found, ev.TextEnd(0, part.id, extensions=extensions)]
