"""What Anthropic really sends: messages, streams in the order of their events, errors, counts.

https://platform.claude.com/docs/en/api/messages and …/build-with-claude/streaming; the texts are made up.
"""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz123456789"
_PIECE = 12  # characters in one delta
TEXT: Sequence[Mapping[str, Any]] = ({"type": "text", "text": "Hello! How can I help you today?"},)
SIGNATURE = "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds0i9wq9"
THINKING = {"type": "thinking", "thinking": "The user wants the weather; I have a tool.", "signature": SIGNATURE}
USAGE = {
    "input_tokens": 25,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
    "output_tokens": 15,
    "service_tier": "standard",
}


def new_id(prefix: str) -> str:
    """A fresh id as Anthropic makes them: `msg_01…`, `toolu_01…`, `req_01…`."""
    return f"{prefix}01" + "".join(random.choices(_ALPHABET, k=22))


def tool_use(name: str, **arguments: Any) -> dict[str, Any]:
    """A block that calls a tool."""
    return {"type": "tool_use", "id": new_id("toolu_"), "name": name, "input": arguments}


def message(
    fields: Mapping[str, Any] | None = None,
    content: Sequence[Mapping[str, Any]] = TEXT,
    *,
    stop_reason: str | None = None,
    usage: Mapping[str, Any] | None = None,
    **members: Any,
) -> dict[str, Any]:
    """A whole answer to the request `fields`."""
    calls = any(block["type"] == "tool_use" for block in content)
    return {
        "model": (fields or {}).get("model", "claude-sonnet-4-5-20250929"),
        "id": new_id("msg_"),
        "type": "message",
        "role": "assistant",
        "content": [dict(block) for block in content],
        "stop_reason": stop_reason or ("tool_use" if calls else "end_turn"),
        "stop_sequence": None,
        "usage": USAGE | dict(usage or {}),
        **members,
    }


def message_events(whole: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The events that stream a message: its start, a ping, each block, the reason with the usage, the end."""
    usage = whole["usage"]
    start = {**whole, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    yield {"type": "message_start", "message": start}
    for index, block in enumerate(whole["content"]):
        empty, deltas = _opened(block)
        yield {"type": "content_block_start", "index": index, "content_block": empty}
        if index == 0:
            yield {"type": "ping"}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    counted = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
    ending = {"stop_reason": whole["stop_reason"], "stop_sequence": whole["stop_sequence"]}
    yield {"type": "message_delta", "delta": ending, "usage": {name: usage[name] for name in counted}}
    yield {"type": "message_stop"}


def written(event: Mapping[str, Any]) -> bytes:
    """An event as it stands on the wire."""
    return f"event: {event['type']}\ndata: {json.dumps(event, separators=(',', ':'))}\n\n".encode()


def error_body(kind: str, text: str) -> dict[str, Any]:
    """Anthropic's error object."""
    return {"type": "error", "error": {"type": kind, "message": text}, "request_id": new_id("req_")}


def error_event(kind: str = "overloaded_error", text: str = "Overloaded") -> bytes:
    """An error in the middle of a stream."""
    return written({"type": "error", "error": {"details": None, "type": kind, "message": text}})


def _opened(block: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A block as it begins, and the deltas that complete it."""
    match block["type"]:
        case "text":
            cited = [{"type": "citations_delta", "citation": one} for one in block.get("citations", ())]
            texts = [{"type": "text_delta", "text": piece} for piece in _pieces(block["text"])]
            return {"type": "text", "text": ""}, texts + cited
        case "thinking":
            thoughts = [{"type": "thinking_delta", "thinking": piece} for piece in _pieces(block["thinking"])]
            seal = {"type": "signature_delta", "signature": block["signature"]}
            return {"type": "thinking", "thinking": "", "signature": ""}, [*thoughts, seal]
        case "tool_use":
            pieces = ["", *_pieces(json.dumps(block["input"]))]
            return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
        case _:
            return dict(block), []


def _pieces(text: str) -> list[str]:
    return [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]
