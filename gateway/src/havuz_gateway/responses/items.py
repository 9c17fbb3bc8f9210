"""Items of a conversation: as a request brings them, as they are listed, and as a later request repeats them. Pure.

https://platform.openai.com/docs/api-reference/responses/input-items
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from havuz_gateway.protocols.neutral.carrier import unpack
from havuz_gateway.responses.record import Record

# Items of the model's whose id says only where its provider keeps them. Without it they stand for themselves.
_STAND_ALONE = ("message", "function_call", "custom_tool_call", "function_call_output", "custom_tool_call_output")
_TEXT_TYPES = {"user": "input_text", "system": "input_text", "developer": "input_text", "assistant": "output_text"}


def input_items(given: Any) -> list[Any]:
    """The items of a request's `input`, whose short form is the text of one user message."""
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": given}]}]
    return list(given) if isinstance(given, list) else []


def listed(record: Record) -> list[dict[str, Any]]:
    """The input items as they are listed: each with a type, an id and, where it is a message, its content in parts."""
    suffix = record.id.removeprefix("resp_")
    return [_listed(item, f"{suffix}_{index}") for index, item in enumerate(record.input) if isinstance(item, Mapping)]


def said_ids(record: Record) -> list[str]:
    """The ids of the items that the model said, under which a client may name them later."""
    output = record.response.get("output")
    found = (item.get("id") for item in output if isinstance(item, Mapping)) if isinstance(output, list) else ()
    return [one for one in found if isinstance(one, str)]


def reference_of(item: Any) -> str | None:
    """The id of the item that this one stands for; None for an item that stands for itself."""
    match item:
        case {"type": "item_reference", "id": str() as found}:
            return found
        case {"id": str() as found} if item.get("type") is None and "role" not in item:
            return found
        case _:
            return None


def written_out(records: Iterable[Record]) -> list[Any]:
    """The items that a conversation consists of so far, what was asked and what was answered in turn."""
    items: list[Any] = []
    for record in records:
        items += (alone(item) for item in record.input)
        items += (alone(item) for item in record.response.get("output") or ())
    return items


def for_strangers(items: Sequence[Any]) -> tuple[list[Any], tuple[str, ...]]:
    """The items for a provider of the same protocol that knows none of them, and the names of what it can't be told.

    Reasoning is refused there that lies with its own provider alone, or carries the seal of another kind of provider.
    """
    kept = [item for item in items if not _reasoning_elsewhere(item)]
    return kept, ("reasoning",) if len(kept) < len(items) else ()


def _reasoning_elsewhere(item: Any) -> bool:
    if not isinstance(item, Mapping) or item.get("type") != "reasoning":
        return False
    seal = item.get("encrypted_content")
    return not isinstance(seal, str) or unpack(seal) is not None


def alone(item: Any) -> Any:
    """The item without an id that only says where its provider keeps it."""
    if isinstance(item, Mapping) and (item.get("type") in _STAND_ALONE or "role" in item):
        return {name: value for name, value in item.items() if name != "id"}
    return item


def _listed(item: Mapping[str, Any], suffix: str) -> dict[str, Any]:
    kind = item.get("type") or ("message" if "role" in item else "item_reference")
    shown = {**item, "type": kind}
    if kind == "message":
        content = item.get("content")
        if isinstance(content, str):
            shown["content"] = [_text(str(item.get("role")), content)]
        shown.setdefault("status", "completed")
    if not isinstance(shown.get("id"), str):
        shown["id"] = f"{'msg' if kind == 'message' else 'item'}_{suffix}"
    return shown


def _text(role: str, text: str) -> dict[str, Any]:
    kind = _TEXT_TYPES.get(role, "input_text")
    return {"type": kind, "text": text, **({"annotations": []} if kind == "output_text" else {})}
