"""What a provider of OpenAI's protocol really sends: fields, ids, usage and the order of events.

https://platform.openai.com/docs/api-reference/chat and its neighbours; the texts are made up.
"""

import base64
import json
import random
import struct
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from harness import fake_provider_gemini as gemini
from harness.fake_provider_messages import message
from harness.fake_provider_responses import response_body
from harness.fake_provider_vectors import unit_vector

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
TEXT = ("Hello", "!", " How", " can", " I", " help", " you", " today", "?")
FINGERPRINT = "fp_560af6e559"


def new_id(prefix: str, length: int = 29) -> str:
    """A fresh id as providers make them."""
    return prefix + "".join(random.choices(_ALPHABET, k=length))


def usage_of(fields: Mapping[str, Any], pieces: Sequence[str] = TEXT) -> dict[str, Any]:
    """The usage that belongs to a chat request and its answer: a token for each word and each piece."""
    prompt = 4 + len(json.dumps(fields.get("messages", [])).split())
    return {
        "prompt_tokens": prompt,
        "completion_tokens": len(pieces),
        "total_tokens": prompt + len(pieces),
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def chat_completion(fields: Mapping[str, Any], pieces: Sequence[str] = TEXT) -> dict[str, Any]:
    """A whole answer to a chat request."""
    message: dict[str, Any] = {"role": "assistant", "content": "".join(pieces), "refusal": None, "annotations": []}
    return {
        "id": new_id("chatcmpl-"),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": fields.get("model", "gpt-4o-mini-2024-07-18"),
        "choices": [
            {"index": index, "message": message, "logprobs": None, "finish_reason": "stop"}
            for index in range(fields.get("n") or 1)
        ],
        "usage": usage_of(fields, pieces),
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    }


def chat_events(
    fields: Mapping[str, Any],
    pieces: Iterable[str | Mapping[str, Any]] = TEXT,
    *,
    finish: bool = True,
    usage: Mapping[str, Any] | None = None,
) -> Iterator[dict[str, Any]]:
    """The events of a streamed answer: the role, each piece (a mapping is an event as it is), the finish, the usage.

    `usage` takes the place of the counted one. As with OpenAI the usage event comes only if the request asks for it.
    """
    wanted = bool((fields.get("stream_options") or {}).get("include_usage"))
    chunk = {
        "id": new_id("chatcmpl-"),
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": fields.get("model", "gpt-4o-mini-2024-07-18"),
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    }

    def event(delta: Mapping[str, Any], reason: str | None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        tail = {"usage": None} if wanted else {}
        return {**chunk, "choices": [choice], **tail, "obfuscation": new_id("", 8)}

    texts: list[str] = []
    yield event({"role": "assistant", "content": "", "refusal": None}, None)
    for piece in pieces:
        if isinstance(piece, str):
            texts.append(piece)
            yield event({"content": piece}, None)
        else:
            yield dict(piece)
    if finish:
        yield event({}, "stop")
        if wanted:
            yield {**chunk, "choices": [], "usage": usage or usage_of(fields, texts), "obfuscation": new_id("", 8)}


def embeddings(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Unit vectors of the asked size, the same for the same input; as floats or as base64 of little-endian float32."""
    given = fields.get("input", "")
    inputs = given if isinstance(given, list) and given and not isinstance(given[0], int) else [given]
    size = fields.get("dimensions") or 1536
    vectors = [unit_vector(json.dumps(one), size) for one in inputs]
    tokens = sum(len(one) if isinstance(one, list) else len(str(one).split()) for one in inputs)
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _written(vector, fields.get("encoding_format"))}
            for index, vector in enumerate(vectors)
        ],
        "model": fields.get("model", "text-embedding-3-small"),
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def models(*ids: str) -> dict[str, Any]:
    """A list of models."""
    names = ids or ("gpt-4o-mini", "gpt-4o", "text-embedding-3-small")
    return {
        "object": "list",
        "data": [{"id": name, "object": "model", "created": 1721172741, "owned_by": "system"} for name in names],
    }


def error_body(
    message: str, *, kind: str = "invalid_request_error", code: str | int | None = None, param: str | None = None
) -> dict[str, Any]:
    """OpenAI's error object."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def default_body(method: str, path: str, fields: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Status and body of the answer to a request nobody scripted."""
    googles = gemini.default_body(path, fields) if method == "POST" else None
    if googles is not None:
        return 200, googles
    match method, path.partition("?")[0].rstrip("/").rpartition("/v1")[2]:
        case "POST", "/chat/completions":
            return 200, chat_completion(fields)
        case "POST", "/responses":
            return 200, response_body(fields)
        case "POST", "/responses/input_tokens":
            return 200, {"object": "response.input_tokens", "input_tokens": 11}
        case "POST", "/embeddings":
            return 200, embeddings(fields)
        case "POST", "/messages":
            return 200, message(fields)
        case "POST", "/messages/count_tokens":
            return 200, {"input_tokens": 8 + len(json.dumps(fields.get("messages", [])).split())}
        case "GET", "/models":
            return 200, models()
        case _:
            return 404, error_body(f"Invalid URL ({method} {path})")


def _written(vector: Sequence[float], encoding: str | None) -> list[float] | str:
    if encoding == "base64":
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    return list(vector)
