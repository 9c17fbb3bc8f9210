"""The API reference says all that the document says, in both languages."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from havuz_gateway.surfaces.openapi import document, errors
from havuz_gateway.surfaces.pages.reference import _TRANSLATIONS, translated
from havuz_gateway.surfaces.pages.schema_rows import rows_of, shown_type

SCHEMAS: Mapping[str, Any] = document.build()["components"]["schemas"]


def sentences() -> Iterator[str]:
    yield document.build()["info"]["description"]
    for tag, words in document.TAGS.items():
        yield from (tag, words)
    yield from errors.STATUSES.values()
    for header in document.build()["components"]["headers"].values():
        yield header["description"]
    for operation in document.operations():
        yield from (operation.summary, operation.words, *(one.words for one in operation.parameters))
        bodies = [] if operation.body is None else list(operation.body.contents.values())
        for answer in operation.answers.values():
            yield answer.words
            bodies += answer.contents.values()
        for schema in bodies:
            yield from (row.words for row in rows_of(schema, SCHEMAS))


def fields(schema: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every field below a schema, by its path."""
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}", field
        yield from fields(field, f"{path}.{name}")
    for inner in (*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else [])):
        yield from fields(inner, path)


def every_field() -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, schema in SCHEMAS.items():
        yield from fields(schema, name)
    for operation in document.operations():
        bodies = [] if operation.body is None else list(operation.body.contents.values())
        for schema in (*bodies, *(one for answer in operation.answers.values() for one in answer.contents.values())):
            yield from fields(schema, operation.path)


def test_every_field_is_described() -> None:
    assert [path for path, field in every_field() if not field.get("description")] == []


def test_every_parameter_is_described() -> None:
    parameters = [one for operation in document.operations() for one in operation.parameters]
    assert [one.name for one in parameters if not one.words] == []


def test_every_sentence_is_there_in_turkish_and_none_that_is_not_said() -> None:
    same = {"Google", "Mini", "Responses"}
    said = {sentence for sentence in sentences() if re.sub(r"`[^`]*`|\W", "", sentence)} - same
    listed = {sentence for sentence in said if re.sub(r"`[^`]*`|[,…\s]", "", sentence)}
    assert {sentence for sentence in listed if translated(sentence, "tr") == sentence} == set()
    deeper = {field["description"] for _, field in every_field()}  # than rows are shown
    assert set(_TRANSLATIONS["tr"]) <= said | deeper


def test_a_translation_has_the_code_of_its_sentence() -> None:
    for sentence, turkish in _TRANSLATIONS["tr"].items():
        assert sorted(re.findall(r"`[^`]+`", sentence)) == sorted(re.findall(r"`[^`]+`", turkish))


def test_rows_tell_names_bounds_defaults_and_what_is_required() -> None:
    rows = {row.name: row for row in rows_of(SCHEMAS["MiniChatRequest"], SCHEMAS)}
    assert rows["model"].required
    assert rows["temperature"].type == "number 0 … 2"
    assert rows["temperature"].default == "1"
    assert rows["messages"].type == "array of object"
    assert rows["messages[].role"].type.startswith('"assistant" | "developer"')
    assert not rows["timeout"].required


def test_a_type_is_told_in_a_few_signs() -> None:
    assert shown_type({"type": ["integer", "null"], "minimum": 1}, {}) == "integer ≥ 1"
    assert shown_type({"type": "string", "maxLength": 9}, {}) == "string ≤ 9"
    assert shown_type({"anyOf": [{"type": "string"}, {"type": "null"}]}, {}) == "string"
    assert shown_type({"type": "array", "items": {"type": "number"}}, {}) == "array of number"
    assert shown_type({"const": "list"}, {}) == '"list"'
