"""The document: every surface's description put together."""

from collections.abc import Iterator
from typing import Any

from havuz_gateway.surfaces import described_account, described_orders
from havuz_gateway.surfaces.anthropic import described as described_messages
from havuz_gateway.surfaces.gemini import described as described_google
from havuz_gateway.surfaces.openai import described_chat, described_media, described_responses
from havuz_gateway.surfaces.openapi import PATH, errors
from havuz_gateway.surfaces.openapi.headers import HEADERS
from havuz_gateway.surfaces.openapi.operation import JSON, Answer, Operation
from havuz_gateway.surfaces.openapi.schema import Schema, record, text
from havuz_gateway.surfaces.openapi.words import described

_ITSELF = Operation(
    "get", PATH, "getDocument", "Files", "Read this document", "OpenAI",
    answers={200: Answer("An OpenAPI document.", {JSON: record({"openapi": text("The version of OpenAPI.")})})},
    keys="none",
)  # fmt: skip
_PARTS = (
    described_chat, described_responses, described_messages, described_google, described_media, described_orders,
    described_account,
)  # fmt: skip
TAGS = {
    "Chat": "OpenAI's Chat Completions.",
    "Responses": "OpenAI's Responses, with every provider behind them.",
    "Messages": "Anthropic's Messages: set `ANTHROPIC_BASE_URL` to this server.",
    "Google": "Google's generateContent and what belongs to it.",
    "Embeddings": "Vectors of texts.",
    "Images": "Pictures at once.",
    "Audio": "Speech and transcriptions.",
    "Models": "What this key may use.",
    "Image tasks": "Pictures that are ordered, and asked for later.",
    "Mini": "Chat that streams by default, and pictures by number and signature.",
    "Account": "Balance and usage.",
    "Files": "What was made, by signed links.",
}
_ABOUT = (
    "Any model in any of these languages, whichever provider serves it. Every answer carries `x-request-id`. An error "
    "says what happened and what to do next; a stream that fails half-way ends with an error event, and without the "
    "end that a whole one has."
)
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer KEY`. Send one key once."},
    "header": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "query": {"type": "apiKey", "in": "query", "name": "api_key"},
    "googleHeader": {"type": "apiKey", "in": "header", "name": "x-goog-api-key"},
    "googleQuery": {"type": "apiKey", "in": "query", "name": "key"},
}


def operations() -> tuple[Operation, ...]:
    """Every operation, in the order of the tags."""
    found = [operation for part in _PARTS for operation in part.OPERATIONS] + [_ITSELF]
    order = list(TAGS)
    return tuple(sorted(found, key=lambda operation: order.index(operation.tag)))


def build() -> dict[str, Any]:
    """The document, without its servers. Raises `ValueError` where two operations or schemas have one name."""
    made = _once([errors.SCHEMAS, *(part.SCHEMAS for part in _PARTS)])
    schemas = {name: described(name, schema) for name, schema in made}
    return {
        "openapi": "3.1.0",
        "info": {"title": "API", "version": "1", "description": _ABOUT},
        "tags": [{"name": name, "description": words} for name, words in TAGS.items()],
        "security": [{"bearer": []}, {"header": []}, {"query": []}],
        "paths": _paths(operations()),
        "components": {
            "securitySchemes": _SCHEMES,
            "headers": HEADERS,
            "responses": errors.RESPONSES,
            "schemas": schemas,
        },
    }


def _paths(found: tuple[Operation, ...]) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for operation in found:
        for path in (operation.path, *operation.also):
            methods = paths.setdefault(path, {})
            if operation.method in methods:
                raise ValueError(f"{operation.method} {path!r} is described twice")
            made = operation.rendered()
            if path != operation.path:
                del made["operationId"]  # one name is of one place
                made["x-same-as"] = operation.path
            methods[operation.method] = made
    return paths


def _once(parts: list[dict[str, Schema]]) -> Iterator[tuple[str, Schema]]:
    seen: set[str] = set()
    for part in parts:
        for name, schema in part.items():
            if name in seen:
                raise ValueError(f"two schemas have the name {name!r}: rename one")
            seen.add(name)
            yield name, schema
