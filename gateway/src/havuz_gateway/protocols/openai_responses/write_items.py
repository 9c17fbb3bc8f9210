"""Content parts of the model's to items, for answers and for the history in a request."""

from collections.abc import Sequence
from typing import Any

from havuz_gateway.protocols.neutral.content import Base64Source, Image, Refusal, Text, ToolCall
from havuz_gateway.protocols.neutral.extensions import Dropped, restored
from havuz_gateway.protocols.neutral.response import TokenLogprob
from havuz_gateway.protocols.openai_responses.citations import write_annotations
from havuz_gateway.protocols.openai_responses.wire import ITEM, ITEM_SPELLING, PROTOCOL, SPELLING, write_tokens

Spoken = Text | Refusal


def write_text(part: Spoken, dropped: Dropped, tokens: Sequence[TokenLogprob] = ()) -> dict[str, Any]:
    """One content part of the model's, with the log probabilities of its `tokens`."""
    own = part.extensions.get(PROTOCOL, {})
    if "type" in own:
        return dict(own)
    if isinstance(part, Refusal):
        return restored(PROTOCOL, {"type": "refusal", "refusal": part.text}, part.extensions)
    if part.signature is not None:
        dropped.note("thought_signature")
    members: dict[str, Any] = {"type": "output_text", "text": part.text}
    annotations = write_annotations(part.citations, len(part.text), dropped)
    default: dict[str, Any] = {}
    if annotations:
        members["annotations"] = annotations
    else:
        default["annotations"] = []
    if tokens:
        members["logprobs"] = write_tokens(tokens)
    else:
        default["logprobs"] = []
    return restored(PROTOCOL, members, part.extensions, default=default)


def begins_item(part: Spoken, run: Sequence[Spoken]) -> bool:
    """Whether a text stands in another message than those before it."""
    return not run or ITEM_SPELLING in part.extensions or ITEM in part.extensions


def message_item(first: Spoken, content: Any, item_id: str, status: str) -> dict[str, Any]:
    """An answer's message item. Its own id and status, where the provider gave some, are the first text's."""
    members: dict[str, Any] = {"type": "message", "role": "assistant", "content": content}
    if ITEM_SPELLING not in first.extensions:
        members |= {"id": item_id, "status": status}
    return restored(ITEM, members, first.extensions)


def message_of(run: Sequence[Spoken], dropped: Dropped, path: str) -> dict[str, Any]:
    """A request's message item: short where nothing says that it was long."""
    first = run[0]
    for part in run:
        dropped.foreign(part.extensions, path)
        if isinstance(part, Text) and part.cache is not None:
            dropped.note("cache_control")
    if ITEM_SPELLING in first.extensions:
        members = {"role": "assistant", "content": [write_text(part, dropped) for part in run]}
        return restored(ITEM, members, first.extensions)
    if all(isinstance(part, Text) for part in run):
        for part in run:
            _short(part, dropped, path)
        return restored(ITEM, {"role": "assistant", "content": "".join(part.text for part in run)}, first.extensions)
    content = [write_text(part, dropped) for part in run]
    return {"type": "message", "role": "assistant", "content": content}


def _short(part: Spoken, dropped: Dropped, path: str) -> None:
    if isinstance(part, Text) and part.citations:
        dropped.note(f"{path}.citations")
    if isinstance(part, Text) and part.signature is not None:
        dropped.note(f"{path}.thought_signature")


def write_call(call: ToolCall, item_id: str | None = None) -> dict[str, Any]:
    """A call's item; with an id and a status in an answer."""
    custom = call.kind == "custom"
    members: dict[str, Any] = {
        "type": "custom_tool_call" if custom else "function_call",
        "call_id": call.id,
        "name": call.name,
        "input" if custom else "arguments": call.arguments,
    }
    if item_id is not None and SPELLING not in call.extensions:
        members |= {"id": item_id, "status": "completed"}
    return restored(PROTOCOL, members, call.extensions)


def write_image(part: Image, item_id: str) -> dict[str, Any] | None:
    """A picture that the model made; None for one that is not inline."""
    if not isinstance(part.source, Base64Source):
        return None
    members = {"type": "image_generation_call", "result": part.source.data}
    if ITEM_SPELLING in part.extensions:
        return {**members, **part.extensions[ITEM_SPELLING]}
    kind = part.source.media_type.removeprefix("image/")
    return {**members, "id": item_id, "status": "completed", "output_format": kind}
