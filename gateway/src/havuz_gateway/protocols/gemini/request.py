"""Reading Google's requests for what the gateway acts on; what else they hold is their provider's to judge.

https://ai.google.dev/api/generate-content, https://ai.google.dev/api/tokens, https://ai.google.dev/api/embeddings
"""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.gemini.names import camelled
from havuz_gateway.protocols.gemini.wire import request_members
from havuz_gateway.protocols.members import Members

MODEL_FOLDER = "models/"
_WHOLE = ("generateContentRequest", "generate_content_request")
_MAX_BATCH = 2_048
# The settings of a chat, and what Chat Completions calls them.
_SETTINGS = {
    "temperature": "temperature", "topP": "top_p", "topK": "top_k", "maxOutputTokens": "max_tokens", "seed": "seed",
    "candidateCount": "n", "frequencyPenalty": "frequency_penalty", "presencePenalty": "presence_penalty",
}  # fmt: skip


def check_contents(fields: Mapping[str, Any]) -> None:
    """That a body has contents. Raises `InvalidRequest`."""
    _prompted(request_members(fields, ""))


def check_count(fields: Mapping[str, Any]) -> None:
    """That a body says what is to be counted. Raises `InvalidRequest`."""
    whole = counted(fields)
    path = next((name for name in _WHOLE if whole is not fields and name in fields), "")
    _prompted(request_members(whole, path))


def counted(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a request for a count is about: the whole request in it, or its own contents."""
    found = next((fields[name] for name in _WHOLE if isinstance(fields.get(name), Mapping)), fields)
    return found if isinstance(found, Mapping) else fields


def check_embedded(fields: Mapping[str, Any], *, batch: bool) -> None:
    """That a body says what is to be embedded. Raises `InvalidRequest`."""
    members = request_members(fields, "")
    if not batch:
        _content(members)
        return
    requests = members.each("requests")
    if not 0 < len(requests) <= _MAX_BATCH:
        raise members.wrong("requests", fields.get("requests"), f"an array of 1 to {_MAX_BATCH} requests")
    for request in requests:
        _content(request)


def texts_of(fields: Mapping[str, Any]) -> list[str]:
    """The texts to embed, one for each content, as far as the body has some: for estimates."""
    requests = fields.get("requests")
    return [_text_of(one) for one in (requests if isinstance(requests, list) else [fields])]


def renamed(fields: Mapping[str, Any], model: str) -> dict[str, Any]:
    """The members to set for another model than the client asked for: the URL names it, and some bodies repeat it."""
    name = model if "/" in model else MODEL_FOLDER + model
    change: dict[str, Any] = {"model": name} if "model" in fields else {}
    for whole in _WHOLE:
        inner = fields.get(whole)
        if isinstance(inner, Mapping) and "model" in inner:
            change[whole] = {**inner, "model": name}
    requests = fields.get("requests")
    if isinstance(requests, list):
        change["requests"] = [{**one, "model": name} if isinstance(one, Mapping) else one for one in requests]
    return change


def _prompted(members: Members) -> None:
    contents = members.peek("contents")
    if not isinstance(contents, list) or not contents:
        raise members.wrong("contents", contents, "a non-empty array of contents")


def _content(members: Members) -> None:
    content = members.peek("content")
    if not isinstance(content, Mapping) or not content:
        raise members.wrong("content", content, "a content with 'parts'")


def _text_of(request: Any) -> str:
    content = request.get("content") if isinstance(request, Mapping) else None
    parts = content.get("parts") if isinstance(content, Mapping) else None
    texts = (part.get("text") for part in parts if isinstance(part, Mapping)) if isinstance(parts, list) else ()
    return "".join(text for text in texts if isinstance(text, str))


def settings_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a chat under the names that Chat Completions has for them, for traces."""
    config = fields.get("generationConfig", fields.get("generation_config"))
    if not isinstance(config, dict):
        return {}
    plain, _ = camelled(config)
    return {other: plain[name] for name, other in _SETTINGS.items() if name in plain}
