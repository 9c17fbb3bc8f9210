"""What the mock answers to a conversation, before it becomes JSON or a stream."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from havuz_gateway.providers.mock.schema import sample
from havuz_gateway.providers.mock.specials import Special

_QUOTED = 400  # characters of the user's message that an answer repeats
_CHARACTERS_PER_TOKEN = 4
_TOKENS_PER_MESSAGE = 4
_TOKENS_PER_PART = 85  # an image or another part that is no text
_LENGTH_TOKENS = 3  # where `havuz:length` cuts
_PIECE = re.compile(r"\s*\S+|\s+")
_OPENINGS = (
    "This is a test answer; no provider was called.",
    "Hello from the mock provider; nothing was spent on this.",
    "A mock answer, the same every time you ask the same.",
)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a function; `arguments` is JSON."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer. `pieces` are the tokens of its text, in order; a refusal's are those of the refusal."""

    pieces: tuple[str, ...]
    finish_reason: str
    tool_calls: tuple[ToolCall, ...] = ()
    refused: bool = False

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True)
class Completion:
    """Every choice of one answer, and what it would have cost in tokens."""

    id: str
    model: str
    created: int
    choices: tuple[Choice, ...]
    prompt_tokens: int
    completion_tokens: int
    logprobs: int | None  # how many alternatives each token shows; None where none were asked for


def complete(fields: Mapping[str, Any], *, digest: str, created: int, special: Special) -> Completion:
    """The answer to a request that was checked. `digest` (hex) stands for the request, `created` is unix seconds."""
    choices = tuple(_choice(fields, digest, index, special) for index in range(fields.get("n") or 1))
    return Completion(
        id=f"chatcmpl-{digest[:29]}",
        model=str(fields.get("model")),
        created=created,
        choices=choices,
        prompt_tokens=count_prompt(fields),
        completion_tokens=sum(_cost(choice) for choice in choices),
        logprobs=(fields.get("top_logprobs") or 0) if fields.get("logprobs") else None,
    )


def last_user_text(fields: Mapping[str, Any]) -> str:
    """The text of the last message that the user sent."""
    for message in reversed(fields.get("messages") or []):
        if message.get("role") == "user":
            return text_of(message.get("content"))
    return ""


def text_of(content: Any) -> str:
    """The text of a content, whether a string or parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return " ".join(part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))


def count_prompt(fields: Mapping[str, Any]) -> int:
    """An estimate of the prompt's tokens."""
    total = 0
    for message in fields.get("messages") or []:
        content = message.get("content")
        total += _TOKENS_PER_MESSAGE + count_text(text_of(content))
        if isinstance(content, list):
            total += sum(_TOKENS_PER_PART for part in content if part.get("type") != "text")
    tools = fields.get("tools")
    return total + (count_text(json.dumps(tools)) if tools else 0)


def count_text(text: str) -> int:
    """An estimate of a text's tokens."""
    return -(-len(text) // _CHARACTERS_PER_TOKEN)


def _choice(fields: Mapping[str, Any], digest: str, index: int, special: Special) -> Choice:
    if special.behaviour == "refusal":
        return Choice(tuple(_PIECE.findall("I'm sorry, I can't help with that.")), "stop", refused=True)
    called = _called_function(fields)
    if called is not None:
        seed = hashlib.sha256(f"{digest}:{index}".encode()).hexdigest()
        arguments = json.dumps(sample(called.get("parameters")) or {})
        # a named or required call ends with "stop" at OpenAI only when it was named
        finish = "stop" if isinstance(fields.get("tool_choice"), dict) else "tool_calls"
        return Choice((), finish, (ToolCall(f"call_{seed[:24]}", str(called.get("name")), arguments),))
    pieces = tuple(_PIECE.findall(_before_stop(_text(fields, digest, index), fields.get("stop"))))
    limit = fields.get("max_completion_tokens") or fields.get("max_tokens")
    if special.behaviour == "length":
        limit = _LENGTH_TOKENS
    if limit is not None and len(pieces) > limit:
        return Choice(pieces[:limit], "length")
    return Choice(pieces, "stop")


def _called_function(fields: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The function to call, or None for an answer in text."""
    functions: list[dict[str, Any]] = [
        tool["function"] for tool in fields.get("tools") or [] if tool.get("type") == "function"
    ]
    chosen = fields.get("tool_choice") or "auto"
    if not functions or chosen == "none":
        return None
    if isinstance(chosen, dict):
        name = (chosen.get("function") or {}).get("name")
        return next((function for function in functions if function.get("name") == name), functions[0])
    if chosen == "auto" and fields["messages"][-1].get("role") != "user":
        return None
    words = last_user_text(fields)
    return next((function for function in functions if str(function.get("name")) in words), functions[0])


def _text(fields: Mapping[str, Any], digest: str, index: int) -> str:
    wanted = fields.get("response_format") or {}
    match wanted.get("type"):
        case "json_schema":
            return json.dumps(sample((wanted.get("json_schema") or {}).get("schema")), ensure_ascii=False)
        case "json_object":
            return json.dumps({"answer": _prose(fields, digest, index)}, ensure_ascii=False)
        case _:
            return _prose(fields, digest, index)


def _prose(fields: Mapping[str, Any], digest: str, index: int) -> str:
    opening = _OPENINGS[(int(digest[:8], 16) + index) % len(_OPENINGS)]
    said = last_user_text(fields).strip().encode("utf-8", "replace").decode()
    if not said:
        return opening
    return f"{opening} You said: {said if len(said) <= _QUOTED else said[:_QUOTED] + '…'}"


def _before_stop(text: str, stop: str | list[str] | None) -> str:
    stops = [stop] if isinstance(stop, str) else stop or []
    places = [text.find(one) for one in stops if one]
    return text[: min((place for place in places if place >= 0), default=len(text))]


def _cost(choice: Choice) -> int:
    return len(choice.pieces) + sum(count_text(call.name + call.arguments) + 3 for call in choice.tool_calls)
