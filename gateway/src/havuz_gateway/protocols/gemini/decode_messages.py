"""`contents` and `systemInstruction` to neutral messages."""

from dataclasses import replace

from havuz_gateway.protocols.gemini.calls import CallIds
from havuz_gateway.protocols.gemini.decode_parts import read_part
from havuz_gateway.protocols.gemini.wire import FOREIGN_CALL, PROTOCOL
from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.content import Part, RedactedThinking, Thinking, ToolCall, parts_of
from havuz_gateway.protocols.neutral.extensions import Extensions, kept, spelling
from havuz_gateway.protocols.neutral.request import Message, Role


def read_system(content: Members) -> Message:
    """`systemInstruction`, a content whose role says nothing."""
    role = content.text("role")
    parts, _ = _read_parts(content, CallIds("call"))
    spelled = {} if role is None else {"role": role}
    return Message("system", parts, apart=True, extensions=kept(PROTOCOL, content.rest(), spelled=spelled))


def read_contents(contents: list[Members]) -> tuple[Message, ...]:
    """All of `contents`. Raises `InvalidRequest`."""
    ids = CallIds("call")
    messages = [_read_content(content, ids) for content in contents]
    return tuple(_streamed_turns_joined(messages) if _carries_seals(messages) else messages)


def _read_content(content: Members, ids: CallIds) -> Message:
    wire_role = content.text("role")
    match wire_role:
        case "model":
            role: Role = "assistant"
        case "user" | "function" | None:
            role = "user"
        case _:
            raise content.wrong("role", wire_role, "'user' or 'model'")
    parts, empty = _read_parts(content, ids)
    spelled = {} if wire_role in ("user", "model") else {"role": wire_role}
    extensions: Extensions = kept(PROTOCOL, content.rest(), spelled=spelled)
    if not parts:  # kept as it came: it says nothing, and others leave it out
        extensions = {**extensions, PROTOCOL: content.rest(), spelling(PROTOCOL): {**spelled, "parts": empty}}
    return Message(role, _without_stand_in(parts), extensions=extensions)


def _read_parts(content: Members, ids: CallIds) -> tuple[tuple[Part, ...], list[Part] | None]:
    """The parts, and what stands in their place where there are none."""
    empty: list[Part] | None = None if content.peek("parts") is None else []
    return tuple(read_part(part, ids) for part in content.each("parts")), empty


def _without_stand_in(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The parts; the first call without the text that stands in for a signature Gemini never gave."""
    for index, part in enumerate(parts):
        if isinstance(part, ToolCall):
            if part.signature == FOREIGN_CALL:
                return (*parts[:index], replace(part, signature=None), *parts[index + 1 :])
            break
    return parts


def _carries_seals(messages: list[Message]) -> bool:
    """Whether another provider's thinking is handed back."""
    return any(
        isinstance(part, Thinking | RedactedThinking) and part.origin not in (None, PROTOCOL)
        for message in messages
        for part in parts_of(message.content)
    )


def _streamed_turns_joined(messages: list[Message]) -> list[Message]:
    """The messages as the provider gave them, whose seal binds the whole of a thought.

    Google's SDKs keep a streamed turn as one content per chunk: its thought is in pieces, with the seal on the last.
    """
    found: list[Message] = []
    for message in messages:
        before = found[-1] if found else None
        joins = before is not None and before.role == message.role == "assistant"
        if before is not None and joins and not before.extensions and not message.extensions:
            found[-1] = replace(before, content=(*parts_of(before.content), *parts_of(message.content)))
        else:
            found.append(message)
    return [
        replace(message, content=_thoughts_joined(parts_of(message.content)))
        if message.role == "assistant"
        else message
        for message in found
    ]


def _thoughts_joined(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    found: list[Part] = []
    for part in parts:
        before = found[-1] if found else None
        if (
            isinstance(before, Thinking)
            and isinstance(part, Thinking)
            and before == Thinking(before.text)
            and (part == Thinking(part.text) or not part.text)
        ):
            found[-1] = replace(part, text=before.text + part.text)
        else:
            found.append(part)
    return tuple(found)
