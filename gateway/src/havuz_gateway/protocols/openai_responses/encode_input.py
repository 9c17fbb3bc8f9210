"""Neutral messages to `instructions` and `input` of a request. What the assistant said becomes items of its own."""

from collections.abc import Sequence
from typing import Any

from havuz_gateway.protocols.codec import Quirks
from havuz_gateway.protocols.neutral.content import (
    Part,
    ProviderContent,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    parts_of,
)
from havuz_gateway.protocols.neutral.errors import cannot_say
from havuz_gateway.protocols.neutral.extensions import Dropped, restored
from havuz_gateway.protocols.neutral.request import Message, paths
from havuz_gateway.protocols.openai_responses.reasoning import write_reasoning
from havuz_gateway.protocols.openai_responses.wire import PROTOCOL, SPELLING
from havuz_gateway.protocols.openai_responses.write_items import Spoken, begins_item, message_of, write_call
from havuz_gateway.protocols.openai_responses.write_parts import PartWriter

Wire = dict[str, Any]


class InputWriter:
    """Writes the conversation of one request."""

    def __init__(self, quirks: Quirks, dropped: Dropped) -> None:
        self._quirks = quirks
        self._dropped = dropped
        self._parts = PartWriter(quirks, dropped)
        self._items: list[Wire] = []
        self._run: list[Spoken] = []
        self._kinds: dict[str, str] = {}  # of the calls, which their results repeat

    def write(self, messages: Sequence[Message]) -> Wire:
        """The members of the body. Raises `CannotExpress`."""
        body: Wire = {}
        places = paths(messages)
        if messages and messages[0].apart and isinstance(messages[0].content, str):
            self._left_out(messages[0], places[0])
            body["instructions"] = messages[0].content
            messages, places = messages[1:], places[1:]
        if len(messages) == 1 and "input" in messages[0].extensions.get(SPELLING, {}):
            return {**body, "input": messages[0].content}
        for message, path in zip(messages, places, strict=True):
            self._left_out(message, path)
            if message.role == "assistant":
                self._assistant(message, path)
            else:
                self._other(message, path)
        return {**body, "input": self._items} if self._items else body

    def _left_out(self, message: Message, path: str) -> None:
        self._dropped.foreign(message.extensions, path)
        if message.name is not None:
            self._dropped.note(f"{path}.name")

    def _other(self, message: Message, path: str) -> None:
        """A user's or an instructing message; results of tools are items before it."""
        parts = parts_of(message.content)
        results = [part for part in parts if isinstance(part, ToolResult)]
        for result in results:
            self._result(result, path)
        own = [part for part in parts if isinstance(part, ProviderContent) and part.protocol == PROTOCOL]
        if own and len(own) == len(parts):
            self._items += (dict(part.wire) for part in own)
            return
        others = tuple(part for part in parts if not isinstance(part, ToolResult))
        if results and not others:
            return
        content = others if results else message.content
        role = self._quirks.instruction_role if message.role == "developer" else message.role
        members: Wire = {
            "role": "user" if role == "tool" else role,
            "content": self._parts.content(content, path),
        }
        spelled = {name: said for name, said in message.extensions.items() if name != SPELLING or "input" not in said}
        self._items.append(restored(PROTOCOL, members, spelled))

    def _result(self, result: ToolResult, path: str) -> None:
        self._dropped.foreign(result.extensions, path)
        if result.is_error:
            self._dropped.note(f"{path}.is_error")
        if result.cache is not None:
            self._dropped.note("cache_control")
        kind = self._kinds.get(result.call_id, result.kind)
        output = "" if result.content is None else self._parts.content(result.content, path)
        members = {
            "type": "custom_tool_call_output" if kind == "custom" else "function_call_output",
            "call_id": result.call_id,
            "output": output,
        }
        self._items.append(restored(PROTOCOL, members, result.extensions))

    def _assistant(self, message: Message, path: str) -> None:
        if isinstance(message.content, str):
            members = {"role": "assistant", "content": message.content}
            self._items.append(restored(PROTOCOL, members, message.extensions))
            return
        for part in message.content:
            if isinstance(part, Text | Refusal):
                if begins_item(part, self._run):
                    self._close(path)
                self._run.append(part)
                continue
            self._close(path)
            self._said(part, path)
        self._close(path)

    def _close(self, path: str) -> None:
        if self._run:
            self._items.append(message_of(self._run, self._dropped, path))
            self._run = []

    def _said(self, part: Part, path: str) -> None:
        match part:
            case Thinking() | RedactedThinking():
                self._thinking(part, path)
            case ToolCall():
                self._dropped.foreign(part.extensions, path)
                if part.signature is not None:
                    self._dropped.note(f"{path}.thought_signature")
                if part.cache is not None:
                    self._dropped.note("cache_control")
                self._kinds[part.id] = part.kind
                self._items.append(write_call(part))
            case ProviderContent(protocol=protocol) if protocol == PROTOCOL:
                self._items.append(dict(part.wire))
            case ProviderContent():
                self._dropped.note(f"{path}.{part.wire.get('type', part.protocol)}")
            case _:
                raise cannot_say(path, "a picture, file or tool result said by the assistant", PROTOCOL)

    def _thinking(self, part: Thinking | RedactedThinking, path: str) -> None:
        """Only what this protocol said itself, sealed as it was or under the id that it gave, is taken back."""
        spelled = part.extensions.get(SPELLING, {})
        if "told" in spelled:
            return
        if not self._quirks.replay_thinking or (part.origin != PROTOCOL and "item" not in spelled):
            self._dropped.note(f"{path}.thinking")
            return
        self._dropped.foreign(part.extensions, path)
        self._items.append(dict(spelled["item"]) if "item" in spelled else write_reasoning(part, part.id))
