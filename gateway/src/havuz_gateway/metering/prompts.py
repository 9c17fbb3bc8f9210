"""What of a request's body is text for the model, and what bounds its answer, in each protocol. Pure."""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.gemini.request import texts_of

# Members that hold what the model reads, by protocol; Chat Completions has a quicker way of its own.
_READ = {
    "anthropic": ("system", "messages", "tools"),
    "openai_responses": ("instructions", "input", "tools"),
    "gemini": ("systemInstruction", "system_instruction", "contents", "content", "tools", "requests"),
}
_DATA = frozenset({"data", "image_url", "file_data", "file_id", "url", "signature", "encrypted_content",
                   "thoughtSignature", "thought_signature", "id", "type", "role", "mimeType", "mime_type"})  # fmt: skip


def bounds_of(protocol: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The members that bound an answer, under Chat Completions' names: `max_tokens`, `max_completion_tokens`, `n`."""
    match protocol:
        case "openai_responses":
            return {"max_tokens": fields.get("max_output_tokens")}
        case "gemini":
            settings = fields.get("generationConfig") or fields.get("generation_config")
            if not isinstance(settings, Mapping):
                return {}
            return {
                "max_tokens": _either(settings, "maxOutputTokens", "max_output_tokens"),
                "n": _either(settings, "candidateCount", "candidate_count"),
            }
        case _:
            return fields


def bound_change(protocol: str, fields: Mapping[str, Any], *, name: str, bound: int) -> dict[str, Any]:
    """The members to set so that an answer has at most `bound` tokens; `name` is the provider's in Chat Completions."""
    match protocol:
        case "openai_responses":
            return {"max_output_tokens": bound}
        case "gemini":
            member = "generation_config" if "generation_config" in fields else "generationConfig"
            settings = fields.get(member)
            return {member: {**(settings if isinstance(settings, Mapping) else {}), "maxOutputTokens": bound}}
        case _:
            return {name: bound}


def text_size(protocol: str, fields: Mapping[str, Any]) -> tuple[int, int]:
    """Bytes of text in a request, and the number of its messages."""
    size = sum(_size(fields[name]) for name in _READ.get(protocol, ()) if name in fields)
    messages = fields.get("messages") or fields.get("input") or fields.get("contents")
    return size, len(messages) if isinstance(messages, list) else 1


def embedded(protocol: str, fields: Mapping[str, Any]) -> Any:
    """What is to be embedded: a text, a list of texts, tokens or lists of tokens."""
    return texts_of(fields) if protocol == "gemini" else fields.get("input")


def _size(value: Any) -> int:
    """Bytes of the texts in a decoded value; by a stack, since a body may be nested as deeply as it can be read."""
    size, waiting = 0, [value]
    while waiting:
        match waiting.pop():
            case str() as text:
                size += len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
            case list() as items:
                waiting += items
            case dict() as members:
                waiting += [inner for name, inner in members.items() if name not in _DATA]
            case _:
                pass
    return size


def _either(members: Mapping[str, Any], name: str, other: str) -> Any:
    return members.get(name, members.get(other))
