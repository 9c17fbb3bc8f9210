"""`input` of a request to messages.

What the model said (its messages, reasoning, calls and the steps of hosted tools) stands in items of their own here;
those that follow one another are one assistant's message in the neutral form, as in all other protocols.
"""

from typing import Any, cast

from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.carrier import Sealed, with_call_seals
from havuz_gateway.protocols.neutral.content import Part, ProviderContent, Refusal, Text, ToolResult
from havuz_gateway.protocols.neutral.extensions import kept
from havuz_gateway.protocols.neutral.request import Message, Role
from havuz_gateway.protocols.openai_responses.read_items import read_item, read_message
from havuz_gateway.protocols.openai_responses.read_parts import read_content
from havuz_gateway.protocols.openai_responses.wire import (
    ITEM,
    ITEM_SPELLING,
    PROTOCOL,
    REQUIRED,
    SPELLING,
    own_id,
    present,
    request_members,
)

_MESSAGE = "message"
_OUTPUTS = {"function_call_output": "function", "custom_tool_call_output": "custom"}
# Steps of tools that the provider itself runs, without which a conversation still makes sense.
_STEPS = (
    "apply_patch_call", "apply_patch_call_output", "code_interpreter_call", "computer_call", "computer_call_output",
    "file_search_call", "image_generation_call", "local_shell_call", "local_shell_call_output", "mcp_approval_request",
    "mcp_approval_response", "mcp_call", "mcp_list_tools", "program", "program_output", "shell_call",
    "shell_call_output", "tool_search_call", "tool_search_output", "web_search_call",
)  # fmt: skip
_SAID = ("reasoning", "function_call", "custom_tool_call", *_STEPS)


def read_input(fields: Members) -> tuple[Message, ...]:
    """The messages in `input`. Raises `InvalidRequest`."""
    content = fields.take("input")
    if isinstance(content, str):
        return (Message("user", content, place="input", extensions={SPELLING: {"input": content}}),)
    if content is None:
        return ()
    if not isinstance(content, list):
        raise fields.wrong("input", content, "a string or an array of items")
    reading = _Reading()
    for index, item in enumerate(content):
        reading.add(request_members(item, f"input[{index}]"))
    return reading.finished()


class _Reading:
    """The messages so far, and what the assistant said since the last of them."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._said: list[Part | Sealed] = []
        self._short = False  # said so far: one string
        self._place = ""

    def finished(self) -> tuple[Message, ...]:
        """All of them."""
        self._flush()
        return tuple(self._messages)

    def add(self, item: Members) -> None:
        """One item."""
        kind = item.text("type")
        if kind == _MESSAGE or (kind is None and item.peek("role") is not None):
            self._add_message(item, kind)
        elif kind in _OUTPUTS:
            self._flush()
            self._messages.append(_result(item, kind))
        elif kind in _SAID:
            place = item.path
            item.put_back("type", kind)
            self._say(read_item(item), place)
        else:
            self._flush()
            self._messages.append(_needed(item, kind))

    def _add_message(self, item: Members, kind: str | None) -> None:
        role = item.needed_text("role")
        match role:
            case "assistant":
                short = isinstance(item.peek("content"), str)
                follows = bool(self._said) and isinstance(self._said[-1], Text | Refusal)
                parts = read_message(item, kind)
                if short and not follows:
                    parts = (_unmarked(parts[0]),)
                self._say(list(parts), item.path, alone=short)
            case "system" | "developer" | "user":
                self._flush()
                content = read_content(item, "content")
                spelled = {} if kind is None else {"type": kind}
                for name in ("id", "status"):
                    if item.peek(name) is not None:
                        spelled[name] = item.take(name)
                extensions = kept(PROTOCOL, item.rest(), spelled=spelled)
                self._messages.append(Message(cast("Role", role), content, place=item.path, extensions=extensions))
            case _:
                raise item.wrong("role", role, "'system', 'developer', 'user' or 'assistant'")

    def _say(self, parts: list[Part | Sealed], place: str, *, alone: bool = False) -> None:
        self._short = alone and not self._said
        self._place = self._place or place
        self._said += parts

    def _flush(self) -> None:
        if not self._said:
            return
        said = with_call_seals(self._said)
        if said:
            self._messages.append(_of_one_text(said[0], self._place) if self._short else _spoken(said, self._place))
        self._said, self._short, self._place = [], False, ""


def _spoken(said: tuple[Part, ...], place: str) -> Message:
    return Message("assistant", said, place=place)


def _unmarked(part: Part) -> Part:
    """A text in the shortest form needs no mark where nothing else said stands before it."""
    if not isinstance(part, Text) or part.extensions.get(ITEM_SPELLING) != {"content": part.text}:
        return part
    return Text(part.text, extensions={name: said for name, said in part.extensions.items() if name != ITEM_SPELLING})


def _of_one_text(part: Part, place: str) -> Message:
    """An assistant's message that is one string, as in most histories."""
    if not isinstance(part, Text):
        return _spoken((part,), place)
    said = {name: value for name, value in part.extensions.get(ITEM_SPELLING, {}).items() if name != "content"}
    extensions = kept(PROTOCOL, part.extensions.get(ITEM, {}), spelled=said)
    return Message("assistant", part.text, place=place, extensions=extensions)


def _result(item: Members, kind: str) -> Message:
    call_id, name = item.text("call_id"), "output"
    if call_id is None:
        raise item.wrong("call_id", None, "the id of the call that it answers")
    content = read_content(item, name)
    spelled = {"id": own_id(item.text("id")), "status": item.text("status")}
    result = ToolResult(
        call_id, content, kind="custom" if _OUTPUTS[kind] == "custom" else "function",
        extensions=kept(PROTOCOL, item.rest(), spelled=present(spelled)),
    )  # fmt: skip
    return Message("tool", (result,), place=item.path)


def _needed(item: Members, kind: str | None) -> Message:
    """An item that stands for something else (`item_reference`, `compaction`), or that nobody here knows."""
    wire: dict[str, Any] = {**({} if kind is None else {"type": kind}), **item.rest()}
    if kind is None and not isinstance(wire.get("id"), str):
        raise item.wrong("type", None, "the type of an item, such as 'message'")
    named = {"type": kind} if kind is not None else {"id": wire["id"]}
    return Message("user", (ProviderContent(PROTOCOL, wire),), place=item.path, extensions={REQUIRED: named})
