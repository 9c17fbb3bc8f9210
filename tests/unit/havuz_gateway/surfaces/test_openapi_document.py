"""The document is valid, tells of every path and no other, and of the bounds that are enforced."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from harness.described import METHODS, Document, Found
from havuz_gateway.errors import GatewayError, InvalidRequest
from havuz_gateway.protocols.openai.fields import Check, schema_of
from havuz_gateway.protocols.openai_audio.request import SPEECH, TRANSCRIPTION
from havuz_gateway.protocols.openai_chat import embeddings
from havuz_gateway.protocols.openai_chat import request as chat
from havuz_gateway.protocols.openai_images import request as images
from havuz_gateway.protocols.openai_responses import request as responses
from havuz_gateway.surfaces import image_tasks, mini_images
from havuz_gateway.surfaces.catalogue import every_surface
from havuz_gateway.surfaces.gemini.surface import _METHODS as GOOGLE_METHODS
from havuz_gateway.surfaces.openai.kept_responses import _BELOW as BELOW_RESPONSES
from havuz_gateway.surfaces.openapi.errors import STATUSES

DOCUMENT = Document()
REGISTRY = every_surface()
FOUND = list(DOCUMENT.operations())
NOTHING_BELOW = {"/v1beta/"}  # what answers that there is nothing
TABLES: dict[str, Mapping[str, Check]] = {
    "ChatRequest": chat.FIELDS, "MiniChatRequest": chat.FIELDS, "EmbeddingsRequest": embeddings.FIELDS,
    "ResponseRequest": responses.FIELDS, "ImageRequest": images.FIELDS, "SpeechRequest": SPEECH,
    "TranscriptionForm": TRANSCRIPTION, "Order": image_tasks.FIELDS, "PictureOrder": mini_images.FIELDS,
}  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, "", "x", "high", "auto", "http://example.com/x", [], ["x"], {}, {"type": "x"},
    -3, -2, -1, 0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 20, 21, 30, 63, 64, 100, 101, 128, 129, 150, 151, 255, 256, 600, 601,
    1344, 1345, 4096, 4097, 2**53, 2**53 + 1, 0.1, 0.25, 0.5, 2.5, 4.5,
)  # fmt: skip

BOUNDED = [(schema, name) for schema, table in TABLES.items() for name in table if schema_of(table[name]) is not None]
EXAMPLES = [(found, name) for found in FOUND for name in found.examples]


def named(found: Found) -> str:
    return f"{found.method} {found.path}"


def test_the_document_is_valid() -> None:
    validate({"servers": [{"url": "https://api.example.com"}], **DOCUMENT.content})


@pytest.mark.parametrize("found", FOUND, ids=named)
def test_whatever_is_described_is_served(found: Found) -> None:
    path = found.path.replace("{model}", "m").replace("{response_id}", "r").replace("{keyid}", "k")
    path = path.replace("{name}", "n")
    assert "{" not in path
    asked = ("x-goog-api-key",) if found.path.startswith("/v1/models/{model}:") else ()
    assert REGISTRY.find(path, asked).endpoint(found.method.upper(), path) is not None


def test_every_literal_path_is_described_with_its_methods() -> None:
    served = {path: {method.lower() for method in place.methods} for path, place in REGISTRY._paths.items()}
    described = {found.path: set(DOCUMENT.content["paths"][found.path]) & set(METHODS) for found in FOUND}
    assert {path: methods for path, methods in described.items() if "{" not in path} == served


def test_every_path_with_an_id_is_described_with_its_methods() -> None:
    for prefix, place in REGISTRY._prefixes.items():
        if prefix not in NOTHING_BELOW:
            methods = {found.method for found in FOUND if found.path.startswith(prefix + "{")}
            shared = {method for other in REGISTRY._shared.get(prefix, {}).values() for method in other.methods}
            assert methods == {method.lower() for method in {*place.methods, *shared}}, prefix


@pytest.mark.parametrize("base", ["/v1beta", "/v1"])
def test_every_method_of_googles_models_is_described(base: str) -> None:
    described = {found.path.rpartition(":")[2] for found in FOUND if found.path.startswith(f"{base}/models/{{model}}:")}
    assert described == set(GOOGLE_METHODS)


@pytest.mark.parametrize("base", ["/v1", "/api/v1"])
def test_everything_below_a_response_is_described(base: str) -> None:
    prefix = f"{base}/responses/{{response_id}}/"
    described = {found.path.removeprefix(prefix): found.method for found in FOUND if found.path.startswith(prefix)}
    assert described == {name: method.lower() for name, method in BELOW_RESPONSES.items()}


def test_a_path_with_two_names_is_described_once() -> None:
    for found in FOUND:
        same = found.operation.get("x-same-as")
        if same is not None:
            twin = DOCUMENT.content["paths"][same][found.method]
            assert {k: v for k, v in found.operation.items() if k != "x-same-as"} == {
                k: v for k, v in twin.items() if k != "operationId"
            }


def test_every_kind_of_error_has_a_status_that_is_described() -> None:
    def kinds(kind: type[GatewayError]) -> Iterator[type[GatewayError]]:
        yield kind
        for below in kind.__subclasses__():
            yield from kinds(below)

    # told by an event of a stream, or by another status of the same kind
    elsewhere = {405, 409, 410, 415, 502}
    assert {kind.status for kind in kinds(GatewayError)} <= set(STATUSES) | elsewhere


@pytest.mark.parametrize(("found", "name"), EXAMPLES, ids=[f"{named(found)} {name}" for found, name in EXAMPLES])
def test_an_example_is_what_its_schema_says(found: Found, name: str) -> None:
    schema = found.operation["requestBody"]["content"]["application/json"]["schema"]
    assert DOCUMENT.complaints(schema, found.examples[name]) == []


@pytest.mark.parametrize(("schema", "name"), BOUNDED)
def test_a_bound_in_the_document_is_the_bound_that_is_enforced(schema: str, name: str) -> None:
    described = DOCUMENT.content["components"]["schemas"][schema]["properties"][name]
    own = schema_of(TABLES[schema][name])
    shaped = own is not None and own.get("type") in ("array", "object")  # the document may know more of it
    for value in VALUES:
        told = Draft202012Validator(described).is_valid(value)
        assert told == taken(TABLES[schema][name], name, value) or (shaped and not told), (schema, name, value)


def taken(check: Check, name: str, value: Any) -> bool:
    if value is None:
        return True
    try:
        check(name, value)
    except InvalidRequest:
        return False
    return True
