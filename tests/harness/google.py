"""Calls in Google's protocol, and what their answers say."""

import json
from typing import Any

from harness.caller import Caller, Reply

HELLO = [{"role": "user", "parts": [{"text": "Hello!"}]}]


def path_of(model: str, method: str, base: str = "/v1beta") -> str:
    """The path of a method of a model; a stream is asked for as server-sent events."""
    return f"{base}/models/{model}:{method}" + ("?alt=sse" if method == "streamGenerateContent" else "")


async def generate(caller: Caller, model: str, *, stream: bool = False, **fields: Any) -> Reply:
    """Ask for content."""
    method = "streamGenerateContent" if stream else "generateContent"
    return await caller.post(path_of(model, method), {"contents": HELLO, **fields})


def chunks_of(reply: Reply) -> list[dict[str, Any]]:
    """The decoded chunks of a stream of either form, or the one of a whole answer."""
    if reply.headers["content-type"].startswith("text/event-stream"):
        *events, rest = reply.body.decode().replace("\r\n", "\n").split("\n\n")
        assert rest == "", reply.body
        return [json.loads(event.removeprefix("data: ")) for event in events if not event.startswith(":")]
    assert reply.headers["content-type"].startswith("application/json"), reply.headers
    told = reply.json
    return told if isinstance(told, list) else [told]


def parts_of(reply: Reply) -> list[dict[str, Any]]:
    """All parts of the first candidate."""
    found: list[dict[str, Any]] = []
    for chunk in chunks_of(reply):
        for candidate in chunk.get("candidates", [])[:1]:
            found += candidate.get("content", {}).get("parts", [])
    return found


def spoken(reply: Reply) -> str:
    """The text of an answer, without thoughts."""
    return "".join(part.get("text", "") for part in parts_of(reply) if not part.get("thought"))


def refused(reply: Reply, status: int, word: str) -> str:
    """The sentence of an error in Google's form, after a check of all the rest."""
    assert reply.status == status, reply.body
    assert reply.headers["content-type"].startswith("application/json")
    assert set(reply.json) == {"error"}, reply.body
    told = reply.json["error"]
    assert (told["code"], told["status"]) == (status, word), told
    return str(told["message"])
