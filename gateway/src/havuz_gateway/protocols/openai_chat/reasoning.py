"""Reasoning in a Chat Completions message, which OpenAI's own protocol does not show.

The text is `reasoning_content`, as DeepSeek, vLLM and most compatible servers say it; `reasoning` is read as well.
What a client must hand back for the next turn of a tool loop (signatures, redacted blocks, ids) stands beside it in
`reasoning_details`, an array in OpenRouter's form: `{"type": "reasoning.text", "text", "signature", "format",
"index"}`, `{"type": "reasoning.summary", "summary", …}` and `{"type": "reasoning.encrypted", "data", …}`. A client
that appends the assistant's message to its history as it came keeps the loop whole.
"""

from collections.abc import Sequence
from typing import Any

from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.content import Part, RedactedThinking, Thinking

NAMES = ("reasoning_content", "reasoning", "reasoning_details")
_FORMATS = {
    "anthropic": "anthropic-claude-v1",
    "openai_responses": "openai-responses-v1",
    "gemini": "google-gemini-v1",
}
_ORIGINS = {word: origin for origin, word in _FORMATS.items()}

Thought = Thinking | RedactedThinking


def take_thoughts(message: Members) -> tuple[tuple[Thought, ...], dict[str, Any]]:
    """The thinking in a message, and its members where they are spelled otherwise than `write_thoughts` does."""
    raw = {name: value for name in NAMES if (value := message.take(name)) is not None}
    if not raw:
        return (), {}
    thoughts = read_details(raw.get("reasoning_details"))
    if not thoughts:
        text = next((raw[name] for name in NAMES[:2] if isinstance(raw.get(name), str)), "")
        thoughts = (Thinking(text),) if text else ()
    return thoughts, ({} if raw == write_thoughts(thoughts) else raw)


def read_details(details: Any) -> tuple[Thought, ...]:
    """The thinking in `reasoning_details`; none where an entry is not understood."""
    if not isinstance(details, list):
        return ()
    thoughts = tuple(_read_detail(detail) for detail in details)
    return tuple(thought for thought in thoughts if thought is not None) if None not in thoughts else ()


def _read_detail(detail: Any) -> Thought | None:
    if not isinstance(detail, dict):
        return None
    origin, item, signature = read_origin(detail), _text(detail.get("id")), _text(detail.get("signature"))
    match detail:
        case {"type": "reasoning.encrypted", "data": str() as data}:
            return RedactedThinking(data, origin=origin, id=item)
        case {"type": "reasoning.summary", "summary": str() as text}:
            return Thinking(text, signature=signature, origin=origin, id=item, summary=True)
        case {"type": "reasoning.text"}:
            return Thinking(_text(detail.get("text")) or "", signature=signature, origin=origin, id=item)
        case _:
            return None


def read_origin(detail: dict[str, Any]) -> str | None:
    """The protocol in which a detail was said."""
    word = _text(detail.get("format"))
    return _ORIGINS.get(word, word) if word else None


def write_thoughts(thoughts: Sequence[Part]) -> dict[str, Any]:
    """The members of a message that carry its thinking."""
    members: dict[str, Any] = {}
    text = "".join(thought.text for thought in thoughts if isinstance(thought, Thinking))
    if text:
        members["reasoning_content"] = text
    entries = [thought for thought in thoughts if isinstance(thought, Thinking | RedactedThinking)]
    if any(needs_detail(thought) for thought in entries):
        members["reasoning_details"] = [write_detail(thought, index) for index, thought in enumerate(entries)]
    return members


def needs_detail(thought: Thought) -> bool:
    """Whether plain text would lose something of it."""
    if isinstance(thought, RedactedThinking):
        return True
    return thought.summary or any(value is not None for value in (thought.signature, thought.origin, thought.id))


def write_detail(thought: Thought, index: int) -> dict[str, Any]:
    """One entry of `reasoning_details`."""
    match thought:
        case RedactedThinking():
            detail: dict[str, Any] = {"type": "reasoning.encrypted", "data": thought.data}
        case Thinking(summary=True):
            detail = {"type": "reasoning.summary", "summary": thought.text}
        case Thinking():
            detail = {"type": "reasoning.text", "text": thought.text}
    if isinstance(thought, Thinking) and thought.signature is not None:
        detail["signature"] = thought.signature
    if thought.id is not None:
        detail["id"] = thought.id
    if thought.origin is not None:
        detail["format"] = _FORMATS.get(thought.origin, thought.origin)
    return {**detail, "index": index}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
