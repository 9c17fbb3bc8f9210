"""What Google really sends: answers of generateContent, the chunks that stream them, errors, counts, embeddings.

https://ai.google.dev/api/generate-content and its neighbours; the texts are made up.
"""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.fake_provider_vectors import unit_vector

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_PIECE = 12  # characters in one chunk
TEXT: Sequence[Mapping[str, Any]] = ({"text": "Hello! How can I help you today?"},)
SIGNATURE = "CpwCAVSoXO7Qn0dX0pIYh3cPq8s3m1xk1mQf0j6tX2o0eQ=="
THOUGHT = {"text": "The user wants the weather; I have a tool.", "thought": True}
USAGE = {
    "promptTokenCount": 8,
    "candidatesTokenCount": 9,
    "totalTokenCount": 17,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 8}],
}
_SAFE = [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "NEGLIGIBLE"}]


def call(name: str, *, signature: str | None = None, **arguments: Any) -> dict[str, Any]:
    """A part that calls a function."""
    seal = {} if signature is None else {"thoughtSignature": signature}
    return {"functionCall": {"name": name, "args": arguments}, **seal}


def generated(
    path: str,
    parts: Sequence[Mapping[str, Any]] = TEXT,
    *,
    finish: str = "STOP",
    usage: Mapping[str, Any] | None = None,
    **members: Any,
) -> dict[str, Any]:
    """A whole answer to a request for `path`."""
    content = {"parts": [dict(part) for part in parts], "role": "model"}
    return {
        "candidates": [{"content": content, "finishReason": finish, "index": 0, "safetyRatings": _SAFE}],
        "usageMetadata": {**USAGE, **(usage or {})},
        "modelVersion": model_of(path),
        "responseId": "".join(random.choices(_ALPHABET, k=22)),
        **members,
    }


def chunks(whole: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The chunks that stream an answer: each part in pieces, the reason in the last one, usage in all of them."""
    if "candidates" not in whole:
        yield dict(whole)
        return
    head = {"modelVersion": whole["modelVersion"], "responseId": whole["responseId"]}
    prompt = whole["usageMetadata"]["promptTokenCount"]
    early = {"promptTokenCount": prompt, "totalTokenCount": prompt}
    candidate = whole["candidates"][0]
    *pieces, last = _pieces(candidate["content"]["parts"])
    for piece in pieces:
        content = {"parts": [piece], "role": "model"}
        yield {"candidates": [{"content": content, "index": 0}], "usageMetadata": early, **head}
    content = {"parts": [last], "role": "model"}
    yield {
        "candidates": [{"content": content, "finishReason": candidate["finishReason"], "index": 0}],
        "usageMetadata": whole["usageMetadata"],
        **head,
    }


def written(chunk: Mapping[str, Any]) -> bytes:
    """A chunk as it stands on the wire with `alt=sse`."""
    return b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n"


def blocked(path: str, reason: str = "SAFETY") -> dict[str, Any]:
    """The answer to a prompt that was blocked."""
    prompt = {"promptTokenCount": 8, "totalTokenCount": 8}
    return {"promptFeedback": {"blockReason": reason, "safetyRatings": _SAFE}, "usageMetadata": prompt,
            "modelVersion": model_of(path)}  # fmt: skip


def error_body(status: int, word: str, message: str, *details: Mapping[str, Any]) -> dict[str, Any]:
    """Google's error object."""
    more = {"details": list(details)} if details else {}
    return {"error": {"code": status, "message": message, "status": word, **more}}


def retry_info(seconds: str) -> dict[str, Any]:
    """When Google wants to be asked again."""
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": seconds}


def quota_failure(quota_id: str) -> dict[str, Any]:
    """Which quota is used up."""
    return {
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [
            {
                "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
                "quotaId": quota_id,
                "quotaDimensions": {"location": "global", "model": "gemini-2.5-flash"},
                "quotaValue": "10",
            }
        ],
    }


def default_body(path: str, fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """The answer to a request that nobody scripted; None for a path that is none of Google's."""
    match path.partition("?")[0].rpartition(":")[2]:
        case "generateContent" | "streamGenerateContent":
            return generated(path)
        case "countTokens":
            total = 1 + len(json.dumps(fields).split())
            return {"totalTokens": total, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": total}]}
        case "embedContent":
            return {"embedding": _embedding(fields)}
        case "batchEmbedContents":
            return {"embeddings": [_embedding(one) for one in fields.get("requests", [])]}
        case _:
            return None


def model_of(path: str) -> str:
    """The model that a path names."""
    return path.partition("?")[0].partition("/models/")[2].rpartition(":")[0]


def _embedding(request: Mapping[str, Any]) -> dict[str, Any]:
    return {"values": unit_vector(json.dumps(request["content"]), request.get("outputDimensionality") or 768)}


def _pieces(parts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Texts are cut, other parts come whole; a signature comes with the last piece."""
    found: list[dict[str, Any]] = []
    for part in parts:
        text = part.get("text")
        if not isinstance(text, str) or len(text) <= _PIECE:
            found.append(dict(part))
            continue
        rest = {name: value for name, value in part.items() if name not in ("text", "thoughtSignature")}
        found += [{"text": text[start : start + _PIECE], **rest} for start in range(0, len(text), _PIECE)]
        found[-1] = {**part, "text": found[-1]["text"]}
    return found
