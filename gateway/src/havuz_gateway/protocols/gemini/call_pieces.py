"""A function call whose arguments come in pieces, value by value, as clients of Vertex AI may ask for.

The first piece has the name; each later one tells values by their JSON path, a string as often as it takes. The call is
whole with the first piece that does not say `willContinue`, and Google does not always send that one.
https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling#streaming-fc
"""

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from havuz_gateway.protocols.gemini.wire import SPELLING
from havuz_gateway.protocols.json_text import dump
from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral import events as ev

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d{1,6})\]|\['([^']*)'\]|\[\"([^\"]*)\"\]")
_NOWHERE: Any = object()
_VALUES = ("stringValue", "numberValue", "boolValue")


class CallInPieces:
    """One call, told as a block: its name when it begins, its arguments when it is whole."""

    __slots__ = ("_args", "_block", "_given", "_index", "_name")

    def __init__(self, index: int, block: str, given: str | None, name: str) -> None:
        self._index = index
        self._block = block
        self._given = given  # id
        self._name = name
        self._args: dict[str, Any] = {}

    def begin(self, call_id: str, signature: str | None) -> ev.ToolInputStart:
        """The block's beginning."""
        return ev.ToolInputStart(self._index, self._block, call_id, self._name, signature=signature)

    def add(self, call: Members) -> None:
        """The values in one piece. Raises `AnswerUnreadable` for a path that leads nowhere."""
        self._args |= call.mapping("args") or {}
        for piece in call.each("partialArgs"):
            path = piece.needed_text("jsonPath")
            told = next((name for name in _VALUES if piece.peek(name) is not None), None)
            value = None if told is None else piece.take(told)
            if not _placed(self._args, _steps(path), value):
                raise piece.wrong("jsonPath", path, "the path of a value within the arguments")

    def end(self, *, sealed: bool) -> list[ev.ChatEvent]:
        """The arguments, and the end; a call without an id or a seal says so, as one that came whole does."""
        spelled: dict[str, Any] = {}
        if self._given is None:
            spelled["functionCall"] = {"name": self._name, "args": self._args}
            if not sealed:
                spelled["thoughtSignature"] = None
        return [
            ev.ToolInputDelta(self._index, self._block, dump(self._args)),
            ev.ToolInputEnd(self._index, self._block, extensions={SPELLING: spelled} if spelled else {}),
        ]


def is_piece(call: Any) -> bool:
    """Whether a `functionCall` is told in pieces: more follows, or it goes on with one that began before."""
    return isinstance(call, Mapping) and (
        call.get("willContinue") is True or bool(call.get("partialArgs")) or not call.get("name")
    )


def _steps(path: str) -> list[str | int]:
    """The names and places in a JSON path; none for text that is no path."""
    found: list[str | int] = []
    at = 1
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            return []
        found.append(int(step[2]) if step[2] is not None else next(part for part in step.groups() if part is not None))
        at = step.end()
    return found if path.startswith("$") else []


def _placed(holder: Any, steps: list[str | int], value: Any) -> bool:
    """Put a value at its place; False if there is no such place. More of a string is added to what came of it."""
    if not steps:
        return False
    for step, then in pairwise(steps):
        found = _inside(holder, step)
        if found is _NOWHERE:
            return False
        if found is None:
            found = holder[step] = [] if isinstance(then, int) else {}
        holder = found
    last = steps[-1]
    found = _inside(holder, last)
    if found is _NOWHERE:
        return False
    holder[last] = found + value if isinstance(found, str) and isinstance(value, str) else value
    return True


def _inside(holder: Any, step: str | int) -> Any:
    """What stands at one place, None where nothing does yet; a list grows one by one."""
    match holder, step:
        case dict(), str():
            return holder.get(step)
        case list(), int() if step <= len(holder):
            if step == len(holder):
                holder.append(None)
            return holder[step]
        case _:
            return _NOWHERE
