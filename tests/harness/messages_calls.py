"""Calling Messages, and reading its answers whole or from their streams."""

import json
from typing import Any

from harness.caller import Reply
from harness.pooled import Pooled


async def ask(pool: Pooled, *, stream: bool = False, **fields: Any) -> Reply:
    """One call of Messages, as an SDK sends it."""
    asked = {"model": pool.route.model, "max_tokens": 64, "messages": [{"role": "user", "content": "Hello!"}]}
    body = {**asked, "stream": stream, **fields}
    headers = {"anthropic-version": "2023-06-01", "anthropic-beta": "context-1m-2025-08-07"}
    return await pool.caller.send("POST", "/v1/messages", body, headers)


def folded(reply: Reply) -> dict[str, Any]:
    """The message of a whole answer, or what its stream adds up to; each event is checked for its place."""
    assert reply.status == 200, reply.body
    if reply.headers["content-type"].startswith("application/json"):
        return dict(reply.json)
    *events, rest = reply.body.decode().split("\n\n")
    decoded = [json.loads(event.split("\n", 1)[1].removeprefix("data: ")) for event in events]
    assert rest == ""
    assert (decoded[0]["type"], decoded[-1]["type"]) == ("message_start", "message_stop")
    whole, blocks = dict(decoded[0]["message"]), list[dict[str, Any]]()
    for event in decoded[1:-1]:
        match event["type"]:
            case "content_block_start":
                assert event["index"] == len(blocks)
                blocks.append({**event["content_block"], "said": ""})
            case "content_block_delta":
                assert event["index"] == len(blocks) - 1
                _add(blocks[-1], event["delta"])
            case "message_delta":
                whole |= event["delta"] | {"usage": event["usage"]}
            case other:
                assert other in ("ping", "content_block_stop")
    for block in blocks:
        said = block.pop("said")
        if block["type"] == "tool_use":
            block["input"] = json.loads(said or "{}")
    return whole | {"content": blocks}


def _add(block: dict[str, Any], delta: dict[str, Any]) -> None:
    match delta["type"]:
        case "text_delta":
            block["text"] += delta["text"]
        case "thinking_delta":
            block["thinking"] += delta["thinking"]
        case "signature_delta":
            block["signature"] += delta["signature"]
        case _:
            block["said"] += delta["partial_json"]
