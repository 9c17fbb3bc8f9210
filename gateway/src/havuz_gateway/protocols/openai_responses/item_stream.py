"""One output item of a Responses stream: its deltas, to events of the blocks in it.

An item is told twice, in pieces and whole at its end. The pieces go on as they come; what the whole says more than
they did (servers that skip events, annotations that none announced, seals) goes on at the end.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from havuz_gateway.protocols.neutral import events as ev
from havuz_gateway.protocols.neutral.carrier import Sealed
from havuz_gateway.protocols.neutral.content import Part, RedactedThinking, Thinking, ToolCall
from havuz_gateway.protocols.openai_responses.read_items import read_answer_item
from havuz_gateway.protocols.openai_responses.reasoning import GAP, Form
from havuz_gateway.protocols.openai_responses.wire import PROTOCOL, answer_members, own_id

Found = list[ev.ChatEvent]


@dataclass(slots=True)
class Shared:
    """What the items of one answer know of one another."""

    seals: dict[str, str] = field(default_factory=dict)  # of tool calls that follow
    texts: int = 0
    calls: bool = False


class ItemStream(Protocol):
    """Turns what a stream says of one item into events. All raise `AnswerUnreadable`."""

    def begin(self) -> Found:
        """The item was added."""

    def done(self, item: Mapping[str, Any]) -> Found:
        """The item is whole."""

    def cut(self) -> Found:
        """The answer ended before the item did."""


def rest_of(told: list[str], whole: str) -> str:
    """What of a whole text was not told in pieces; nothing where it is another text."""
    so_far = "".join(told)
    return whole[len(so_far) :] if whole.startswith(so_far) else ""


def parts_of_item(item: Mapping[str, Any]) -> list[Part | Sealed]:
    """The parts in a whole item."""
    return read_answer_item(answer_members(item, "output"))


class WholeItem:
    """An item that is told at its end alone: a step of a tool that the provider runs, a picture."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def begin(self) -> Found:
        """Nothing to tell yet."""
        return []

    def done(self, item: Mapping[str, Any]) -> Found:
        """The item as it is."""
        return [
            ev.PartWhole(0, f"{self._name}.{number}", part)
            for number, part in enumerate(parts_of_item(item))
            if not isinstance(part, Sealed)
        ]

    def cut(self) -> Found:
        """It never came."""
        return []


class CallItem:
    """The call of a function or of a custom tool."""

    __slots__ = ("_item", "_name", "_shared", "_told")

    def __init__(self, name: str, item: Mapping[str, Any], shared: Shared) -> None:
        self._name = name
        self._item = item
        self._shared = shared
        self._told: list[str] = []

    def begin(self) -> Found:
        """The call with its name; a server that does not stream arguments has them here already."""
        text = "input" if self._item.get("type") == "custom_tool_call" else "arguments"
        given = self._item.get(text)
        call = self._call({**self._item, text: given if given is not None else ""})
        self._shared.calls = True
        start = ev.ToolInputStart(
            0, self._name, call.id, call.name, kind=call.kind, signature=self._shared.seals.get(call.id),
            extensions=call.extensions,
        )  # fmt: skip
        return [start, *self.delta(call.arguments)]

    def delta(self, text: str) -> Found:
        """More of the arguments."""
        if not text:
            return []
        self._told.append(text)
        return [ev.ToolInputDelta(0, self._name, text)]

    def done(self, item: Mapping[str, Any]) -> Found:
        """The rest of the arguments, if some were not streamed."""
        call = self._call(item)
        rest = self.delta(rest_of(self._told, call.arguments))
        return [*rest, ev.ToolInputEnd(0, self._name, extensions=call.extensions)]

    def cut(self) -> Found:
        """The arguments end where they are."""
        return [ev.ToolInputEnd(0, self._name)]

    def _call(self, item: Mapping[str, Any]) -> ToolCall:
        part = parts_of_item(item)[0]
        if not isinstance(part, ToolCall):
            raise answer_members(item, "output").wrong("type", item.get("type"), "the type that the item began with")
        return part


@dataclass(slots=True)
class _Thought:
    id: str
    form: Form
    index: int = 0
    told: list[str] = field(default_factory=list)


class ReasoningItem:
    """Reasoning, of which an item may tell the whole text, a summary, both, or nothing but a seal."""

    __slots__ = ("_item", "_name", "_shared", "_thoughts")

    def __init__(self, name: str, item: Mapping[str, Any], shared: Shared) -> None:
        self._name = name
        self._item = item
        self._shared = shared
        self._thoughts: dict[Form, _Thought] = {}

    def begin(self) -> Found:
        """Nothing yet: it may come sealed."""
        return []

    def delta(self, form: Form, index: int, text: str) -> Found:
        """More of the text in the part `index` of its form; parts are told with a gap between them."""
        found: Found = []
        thought = self._thoughts.get(form)
        if thought is None:
            thought = self._thoughts[form] = _Thought(f"{self._name}.{form}", form)
            raw = self._item.get("id")
            item_id = own_id(raw) if isinstance(raw, str) else None
            origin = None if item_id is None else PROTOCOL
            found.append(ev.ThinkingStart(0, thought.id, origin=origin, item=item_id, summary=form == "summary"))
        if index > thought.index:
            thought.index = index
            found += self._more(thought, GAP) if thought.told else []
        return found + self._more(thought, text)

    def done(self, item: Mapping[str, Any]) -> Found:
        """The seal, and what was not streamed."""
        found: Found = []
        for part in parts_of_item(item):
            match part:
                case Sealed():
                    self._shared.seals[part.id or ""] = part.seal
                case Thinking():
                    found += self._whole(part)
                case RedactedThinking() if self._thoughts:
                    found += self._whole(Thinking("", signature=part.data, origin=part.origin, id=part.id))
                case _:
                    found.append(ev.PartWhole(0, self._name, part))
        return found + self.cut()

    def cut(self) -> Found:
        """What is open ends where it is."""
        left, self._thoughts = self._thoughts, {}
        return [ev.ThinkingEnd(0, thought.id, summary=thought.form == "summary") for thought in left.values()]

    def _whole(self, part: Thinking) -> Found:
        form: Form = "summary" if part.summary else "content"
        found: Found = []
        if form not in self._thoughts and len(self._thoughts) == 1:
            form = next(iter(self._thoughts))  # a seal may say that it is the other form
        if form not in self._thoughts:
            found += self.delta(form, 0, part.text)
        thought = self._thoughts.pop(form)
        end = ev.ThinkingEnd(
            0, thought.id, signature=part.signature, origin=part.origin, item=part.id, summary=part.summary,
            extensions=part.extensions,
        )  # fmt: skip
        return [*found, *self._more(thought, rest_of(thought.told, part.text)), end]

    def _more(self, thought: _Thought, text: str) -> Found:
        if not text:
            return []
        thought.told.append(text)
        return [ev.ThinkingDelta(0, thought.id, text)]
