"""What the bench's provider says in Anthropic's protocol: bodies and events, without HTTP."""

import json
from typing import Any

_MESSAGE: dict[str, Any] = {
    "id": "msg_bench",
    "type": "message",
    "role": "assistant",
    "model": "upstream-model",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "usage": {"input_tokens": 180, "output_tokens": 1},
}


def answer(text: str) -> bytes:
    """A whole message."""
    content = [{"type": "text", "text": text}]
    usage = {"input_tokens": 180, "output_tokens": 190}
    return json.dumps({**_MESSAGE, "content": content, "stop_reason": "end_turn", "usage": usage}).encode()


def _event(fields: dict[str, Any]) -> bytes:
    return f"event: {fields['type']}\ndata: {json.dumps(fields, separators=(',', ':'))}\n\n".encode()


FIRST = _event({"type": "message_start", "message": _MESSAGE}) + _event(
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
)


def delta(text: str) -> bytes:
    """A piece of its text."""
    return _event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})


LAST = (
    _event({"type": "content_block_stop", "index": 0})
    + _event(
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 190},
        }
    )
    + _event({"type": "message_stop"})
)
