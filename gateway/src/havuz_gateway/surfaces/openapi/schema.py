"""JSON schemas in few words: https://json-schema.org/draft/2020-12. What a schema does not name may still be there."""

from collections.abc import Iterable, Mapping
from typing import Any

from havuz_gateway.protocols.openai.fields import Check, schema_of

Schema = dict[str, Any]


def text(words: str = "", **more: Any) -> Schema:
    """A string."""
    return _told({"type": "string", **more}, words)


def whole(words: str = "", **more: Any) -> Schema:
    """An integer."""
    return _told({"type": "integer", **more}, words)


def number(words: str = "", **more: Any) -> Schema:
    """Any number."""
    return _told({"type": "number", **more}, words)


def flag(words: str = "", **more: Any) -> Schema:
    """True or false."""
    return _told({"type": "boolean", **more}, words)


def constant(value: str, words: str = "") -> Schema:
    """Always this string."""
    return _told({"type": "string", "const": value}, words)


def choice(*allowed: str, words: str = "", **more: Any) -> Schema:
    """One of these strings."""
    return _told({"type": "string", "enum": list(allowed), **more}, words)


def array(items: Schema, words: str = "", **more: Any) -> Schema:
    """An array whose items are all alike."""
    return _told({"type": "array", "items": items, **more}, words)


def anything(words: str = "") -> Schema:
    """Any object."""
    return _told({"type": "object"}, words)


def record(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None, *, words: str = "") -> Schema:
    """An object that has all of `required` and may have `optional`, and more."""
    properties = {**required, **(optional or {})}
    schema: Schema = {"type": "object", "properties": properties}
    if required:
        schema["required"] = list(required)
    return _told(schema, words)


def either(*schemas: Schema, words: str = "") -> Schema:
    """Any of these."""
    return _told({"anyOf": list(schemas)}, words)


def ref(name: str, words: str = "") -> Schema:
    """A schema of the document's components."""
    return _told({"$ref": f"#/components/schemas/{name}"}, words)


def nullable(schema: Schema) -> Schema:
    """The same, or null, which counts as absent in a request."""
    kind = schema.get("type")
    if isinstance(kind, str) and "const" not in schema:
        enum = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
        return {**schema, "type": [kind, "null"], **enum}
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    words = {"description": schema["description"]} if "description" in schema else {}
    return {"anyOf": [schema, {"type": "null"}], **words}


def checked(
    table: Mapping[str, Check],
    words: Mapping[str, str],
    *,
    shapes: Mapping[str, Schema] | None = None,
    defaults: Mapping[str, Any] | None = None,
    without: Iterable[str] = (),
) -> dict[str, Schema]:
    """The fields of a table of checks. `shapes` are schemas of checks that have none of their own.

    `words` describes every field but those in `without`, and no other; raises `ValueError` where it does not.
    """
    fields = [name for name in table if name not in without]
    if set(fields) != set(words):
        raise ValueError(f"described are not the fields of the table: {sorted(set(fields) ^ set(words))}")
    return {
        name: nullable(_field(table[name], name, shapes or {}, defaults or {}) | {"description": words[name]})
        for name in fields
    }


def _field(check: Check, name: str, shapes: Mapping[str, Schema], defaults: Mapping[str, Any]) -> Schema:
    schema = shapes.get(name) or schema_of(check)
    if schema is None:
        raise ValueError(f"the check of {name!r} says no schema: give its shape")
    return {**schema, "default": defaults[name]} if name in defaults else schema


def _told(schema: Schema, words: str) -> Schema:
    return {**schema, "description": words} if words else schema
