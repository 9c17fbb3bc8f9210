"""Responses as OpenAI sends them: the object, and the events of its stream in their order.

https://platform.openai.com/docs/api-reference/responses; the texts are made up.
"""

import json
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

TEXT = ("Hello", "!", " How", " can", " I", " help", "?")


def response_id() -> str:
    """A fresh id as OpenAI makes them."""
    return f"resp_{secrets.token_hex(24)}"


def message_item(text: str, *, status: str = "completed") -> dict[str, Any]:
    """A message of the model's."""
    part = {"type": "output_text", "annotations": [], "logprobs": [], "text": text}
    return {
        "id": f"msg_{secrets.token_hex(24)}",
        "type": "message",
        "status": status,
        "content": [part] if text else [],
        "role": "assistant",
    }


def call_item(name: str, arguments: str, *, call_id: str = "call_x7Uj2ZQk4Qd0sXh1") -> dict[str, Any]:
    """A call of a function."""
    return {
        "id": f"fc_{secrets.token_hex(24)}",
        "type": "function_call",
        "status": "completed",
        "arguments": arguments,
        "call_id": call_id,
        "name": name,
    }


def reasoning_item(*, sealed: str | None = None) -> dict[str, Any]:
    """Reasoning that only its provider can read; `sealed` is what it hands out of it on request."""
    return {
        "id": f"rs_{secrets.token_hex(24)}",
        "type": "reasoning",
        "summary": [],
        **({"encrypted_content": sealed} if sealed else {}),
    }


def usage() -> dict[str, Any]:
    """Tokens of an answer, some of them cached."""
    return {
        "input_tokens": 36,
        "input_tokens_details": {"cached_tokens": 16, "cache_write_tokens": 0},
        "output_tokens": 87,
        "output_tokens_details": {"reasoning_tokens": 64},
        "total_tokens": 123,
    }


def response_body(
    fields: Mapping[str, Any], output: Sequence[Mapping[str, Any]] | None = None, *, status: str = "completed"
) -> dict[str, Any]:
    """A whole response to a request, with what it repeats of it."""
    return {
        "id": response_id(),
        "object": "response",
        "created_at": int(time.time()),
        "status": status,
        "background": False,
        "billing": {"payer": "developer"},
        "error": None,
        "incomplete_details": None,
        "instructions": fields.get("instructions"),
        "max_output_tokens": fields.get("max_output_tokens"),
        "max_tool_calls": None,
        "model": fields.get("model", "gpt-4.1-2025-04-14"),
        "output": [message_item("".join(TEXT))] if output is None else list(output),
        "parallel_tool_calls": True,
        "previous_response_id": fields.get("previous_response_id"),
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "service_tier": "default",
        "store": fields.get("store") is not False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": fields.get("tools") or [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage() if status == "completed" else None,
        "user": None,
        "metadata": {},
    }


def event(kind: str, number: int, **members: Any) -> bytes:
    """One event as it stands on the wire."""
    data = json.dumps({"type": kind, "sequence_number": number, **members}, separators=(",", ":"))
    return f"event: {kind}\ndata: {data}\n\n".encode()


def response_events(fields: Mapping[str, Any], pieces: Sequence[str] = TEXT, *, finish: bool = True) -> Iterator[bytes]:
    """The events of a streamed text. `finish` False leaves out the last one."""
    item = message_item("".join(pieces))
    whole = response_body(fields, [item])
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    [part] = item["content"]
    steps: list[tuple[str, dict[str, Any]]] = [
        ("response.created", {"response": begun}),
        ("response.in_progress", {"response": begun}),
        ("response.output_item.added", {"output_index": 0, "item": {**item, "status": "in_progress", "content": []}}),
        ("response.content_part.added", {**place, "part": {**part, "text": ""}}),
        *(
            ("response.output_text.delta", {**place, "delta": piece, "logprobs": [], "obfuscation": "Wd6S45xQ7SyQLT"})
            for piece in pieces
        ),
        ("response.output_text.done", {**place, "text": part["text"], "logprobs": []}),
        ("response.content_part.done", {**place, "part": part}),
        ("response.output_item.done", {"output_index": 0, "item": item}),
        ("response.completed", {"response": whole}),
    ]
    for number, (kind, members) in enumerate(steps if finish else steps[:-1]):
        yield event(kind, number, **members)
