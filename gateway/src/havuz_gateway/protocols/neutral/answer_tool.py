"""Structured output through a forced tool: the call of that tool is the answer's text.

Where a model has no structured output of its own, a request asks for it through a tool named in `Encoded.answer_tool`.
What comes back is turned here into the text that the client waits for, for whole answers and for streams.
"""

from dataclasses import replace

from havuz_gateway.protocols.neutral import events as ev
from havuz_gateway.protocols.neutral.content import Part, Text, ToolCall
from havuz_gateway.protocols.neutral.finish import Finish
from havuz_gateway.protocols.neutral.response import ChatResponse, Choice


def answer_as_text(response: ChatResponse, tool: str) -> ChatResponse:
    """The answer with every call of `tool` as text."""
    return replace(response, choices=tuple(_choice(choice, tool) for choice in response.choices))


def _choice(choice: Choice, tool: str) -> Choice:
    content: tuple[Part, ...] = tuple(
        Text(part.arguments) if isinstance(part, ToolCall) and part.name == tool else part for part in choice.content
    )
    if content == choice.content:
        return choice
    calls = any(isinstance(part, ToolCall) for part in content)
    return replace(choice, content=content, finish=_finish(choice.finish, calls=calls))


def _finish(finish: Finish | None, *, calls: bool) -> Finish | None:
    return Finish("stop") if finish is not None and finish.unified == "tool-calls" and not calls else finish


class AnswerToolStream:
    """Does the same to events."""

    __slots__ = ("_blocks", "_calls", "_tool")

    def __init__(self, tool: str) -> None:
        self._tool = tool
        self._blocks: set[tuple[int, str]] = set()
        self._calls: set[int] = set()

    def feed(self, event: ev.ChatEvent) -> ev.ChatEvent:
        """The event that the client is told instead."""
        match event:
            case ev.ToolInputStart() if event.name == self._tool:
                self._blocks.add((event.choice, event.id))
                return ev.TextStart(event.choice, event.id)
            case ev.ToolInputStart():
                self._calls.add(event.choice)
                return event
            case ev.ToolInputDelta() if (event.choice, event.id) in self._blocks:
                return ev.TextDelta(event.choice, event.id, event.text)
            case ev.ToolInputEnd() if (event.choice, event.id) in self._blocks:
                return ev.TextEnd(event.choice, event.id)
            case ev.ChoiceEnd() if any(choice == event.choice for choice, _ in self._blocks):
                finish = _finish(event.finish, calls=event.choice in self._calls)
                return replace(event, finish=finish or event.finish)
            case _:
                return event
