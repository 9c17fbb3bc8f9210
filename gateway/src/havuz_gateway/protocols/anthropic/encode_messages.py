"""Neutral messages to those of a Messages request.

Instructions that lead the conversation become `system`. Later ones stay where they are, so that what came before
stays the same text from turn to turn: caches and the binding of thinking to its conversation depend on that.
"""

from collections.abc import Sequence
from typing import Any

from havuz_gateway.protocols.anthropic.citations import is_own, write_citation
from havuz_gateway.protocols.anthropic.thinking import write_redacted, write_signature
from havuz_gateway.protocols.anthropic.tools import call_id
from havuz_gateway.protocols.anthropic.wire import PROTOCOL, write_cache, write_input, write_source
from havuz_gateway.protocols.codec import Quirks
from havuz_gateway.protocols.neutral.content import (
    Content,
    Document,
    Image,
    Part,
    PartsSource,
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

Wire = dict[str, Any]
_INSTRUCTIONS = ("system", "developer")


class MessageWriter:
    """Writes `system` and `messages` of one request."""

    def __init__(self, quirks: Quirks, dropped: Dropped) -> None:
        self._quirks = quirks
        self._dropped = dropped
        self._written: list[Wire] = []

    def write(self, messages: Sequence[Message]) -> Wire:
        """The members of the body. Raises `CannotExpress`."""
        leading, places = 0, paths(messages)
        while leading < len(messages) and _leads(messages[leading]):
            leading += 1
        body: Wire = {}
        if leading:
            body["system"] = self._system(messages[:leading], places)
        for index in range(leading, len(messages)):
            follower = messages[index + 1].role if index + 1 < len(messages) else "assistant"
            self._message(messages[index], places[index], follower)
        body["messages"] = self._written
        return body

    def _system(self, messages: Sequence[Message], places: list[str]) -> Any:
        for message, path in zip(messages, places, strict=False):
            self._left_out(message, path)
        if len(messages) == 1 and isinstance(messages[0].content, str):
            return messages[0].content
        return [
            block
            for message, path in zip(messages, places, strict=False)
            for block in self._blocks(parts_of(message.content), path)
        ]

    def _left_out(self, message: Message, path: str) -> None:
        self._dropped.foreign(message.extensions, path)
        if message.name is not None:
            self._dropped.note(f"{path}.name")

    def _message(self, message: Message, path: str, follower: str) -> None:
        self._left_out(message, path)
        as_it_came = PROTOCOL in message.extensions
        if message.role in _INSTRUCTIONS and not as_it_came:
            self._later_instructions(message, path, follower)
            return
        role = message.role if message.role in ("assistant", "system") else "user"
        content: Any = message.content
        if not isinstance(content, str):
            content = self._blocks(content, path)
        if not content and not as_it_came:
            return  # nothing said; Anthropic refuses an empty message
        self._append(role, content, message, merge=not as_it_came)

    def _append(self, role: str, content: Any, message: Message, *, merge: bool) -> None:
        """Turns alternate: what follows in the same role joins the turn, results of tools first."""
        before = self._written[-1] if self._written else None
        if not merge or before is None or before["role"] != role:
            members = {"role": role, "content": content if isinstance(content, str) else _results_first(content)}
            self._written.append(restored(PROTOCOL, members, message.extensions))
            return
        before["content"] = _results_first(_as_blocks(before["content"]) + _as_blocks(content))

    def _later_instructions(self, message: Message, path: str, follower: str) -> None:
        """As a message of their own where the model takes that: after the user's turn, before the assistant's."""
        content: Any = message.content
        if not isinstance(content, str):
            content = self._blocks(content, path)
        after_user = bool(self._written) and self._written[-1]["role"] == "user"
        if self._quirks.later_instructions and after_user and follower == "assistant":
            self._append("system", content, message, merge=False)
            return
        self._dropped.note(f"{path}.role")
        text = content if isinstance(content, str) else "\n".join(block.get("text", "") for block in content)
        self._append("user", [{"type": "text", "text": f"<system>\n{text}\n</system>"}], message, merge=True)

    def _blocks(self, parts: Sequence[Part], path: str) -> list[Wire]:
        blocks = (self._block(part, f"{path}.content[{index}]") for index, part in enumerate(parts))
        return [block for block in blocks if block is not None]

    def _block(self, part: Part, path: str) -> Wire | None:
        if isinstance(part, ProviderContent):
            if part.protocol == PROTOCOL:
                return dict(part.wire)
            self._dropped.note(f"{path}.{part.wire.get('type', part.protocol)}")
            return None
        self._dropped.foreign(part.extensions, path)
        members = self._spoken(part, path)
        if members is None:
            return None
        if isinstance(part, Text | Image | Document | ToolCall | ToolResult):
            members |= write_cache(part.cache)
        return restored(PROTOCOL, members, part.extensions)

    def _spoken(self, part: Part, path: str) -> Wire | None:
        """The wire form of a part; None for one that says nothing or cannot be taken back."""
        match part:
            case Text():
                return self._text(part, path)
            case Refusal():
                return {"type": "text", "text": part.text} if part.text else None
            case Image():
                return self._image(part, path)
            case Document():
                return self._document(part, path)
            case Thinking() | RedactedThinking():
                return self._thinking(part, path)
            case ToolCall():
                return self._call(part, path)
            case ToolResult():
                return self._result(part, path)
            case _:
                raise cannot_say(path, "sound or moving pictures", PROTOCOL)

    def _text(self, part: Text, path: str) -> Wire | None:
        if part.signature is not None:
            self._dropped.note(f"{path}.thought_signature")
        citations = [write_citation(citation) for citation in part.citations if is_own(citation)]
        if len(citations) < len(part.citations):
            self._dropped.note(f"{path}.citations")
        if not part.text and not citations:
            return None
        return {"type": "text", "text": part.text, **({"citations": citations} if citations else {})}

    def _image(self, part: Image, path: str) -> Wire:
        if part.detail not in (None, "auto"):
            self._dropped.note(f"{path}.detail")
        source = write_source(part.source, picture=True)
        if source is None:
            raise cannot_say(path, "a picture that is neither JPEG, PNG, GIF or WebP nor at an address", PROTOCOL)
        return {"type": "image", "source": source}

    def _document(self, part: Document, path: str) -> Wire:
        if isinstance(part.source, PartsSource):
            inner: Content = part.source.content
            content = inner if isinstance(inner, str) else self._blocks(inner, path)
            source: Wire | None = {"type": "content", "content": content}
        else:
            source = write_source(part.source, picture=False)
        if source is None:
            raise cannot_say(path, "a document that is neither PDF nor text, or lies with another provider", PROTOCOL)
        members: Wire = {"type": "document", "source": source}
        if part.title is not None:
            members["title"] = part.title
        if part.context is not None:
            members["context"] = part.context
        if part.cited is not None:
            members["citations"] = {"enabled": part.cited}
        return members

    def _thinking(self, part: Thinking | RedactedThinking, path: str) -> Wire | None:
        """Only Anthropic's own thinking, sealed as it was, is taken back."""
        if part.origin != PROTOCOL or (isinstance(part, Thinking) and not part.signature):
            self._dropped.note(f"{path}.thinking")
            return None
        if isinstance(part, RedactedThinking):
            return write_redacted(part)
        return {"type": "thinking", "thinking": part.text, "signature": write_signature(part)}

    def _call(self, part: ToolCall, path: str) -> Wire:
        if part.kind == "custom":
            raise cannot_say(path, "the call of a custom tool", PROTOCOL)
        if part.signature is not None:
            self._dropped.note(f"{path}.thought_signature")
        return {"type": "tool_use", "id": call_id(part.id), "name": part.name, "input": write_input(part.arguments)}

    def _result(self, part: ToolResult, path: str) -> Wire:
        members: Wire = {"type": "tool_result", "tool_use_id": call_id(part.call_id)}
        if isinstance(part.content, str):
            members["content"] = part.content
        elif part.content is not None:
            members["content"] = self._blocks(part.content, path)
        if part.is_error is not None:
            members["is_error"] = part.is_error
        return members


def _leads(message: Message) -> bool:
    return message.role in _INSTRUCTIONS and PROTOCOL not in message.extensions


def _as_blocks(content: Any) -> list[Wire]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _results_first(blocks: list[Wire]) -> list[Wire]:
    return sorted(blocks, key=lambda block: block.get("type") != "tool_result")
