"""A JSON schema as the rows of a table: one for each field, with what it may be in a few signs. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_Schema = Mapping[str, Any]
_Schemas = Mapping[str, _Schema]
_DEEPEST = 2  # objects within objects that have rows of their own


@dataclass(frozen=True, slots=True)
class Row:
    """One field. `name` is a path such as `error.message`; `default` is JSON."""

    name: str
    type: str
    required: bool
    words: str
    default: str | None = None


def rows_of(schema: _Schema, schemas: _Schemas) -> list[Row]:
    """The fields of an object; of several forms that a body may have, those of the first. None of anything else."""
    return list(_rows(schema, schemas, "", 0))


def shown_type(schema: _Schema, schemas: _Schemas) -> str:
    """What a value may be: `integer 1 … 600`, `"low" | "high"`, `string | array of string`."""
    schema = _resolved(schema, schemas)
    if "anyOf" in schema:
        return " | ".join(
            dict.fromkeys(shown for one in schema["anyOf"] if (shown := shown_type(one, schemas)) != "null")
        )
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(one, ensure_ascii=False) for one in schema["enum"] if one is not None)
    kind = schema.get("type", "")
    if isinstance(kind, list):
        kind = next(one for one in kind if one != "null")
    if kind == "array":
        items = shown_type(schema.get("items", {}), schemas)
        return f"array of {items}" if items and " | " not in items else "array"
    return f"{kind}{_bounds(schema)}"


def _rows(schema: _Schema, schemas: _Schemas, prefix: str, depth: int) -> Iterator[Row]:
    schema = _first(_resolved(schema, schemas), schemas)
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        path = prefix + name
        default = json.dumps(field["default"], ensure_ascii=False) if "default" in field else None
        inner = _resolved(field, schemas)
        words = field.get("description", "") or inner.get("description", "")
        yield Row(path, shown_type(field, schemas), name in required, words, default)
        if depth < _DEEPEST:
            yield from _below(_first(inner, schemas), schemas, path, depth)


def _below(inner: _Schema, schemas: _Schemas, path: str, depth: int) -> Iterator[Row]:
    """The fields of an object, or of the objects of an array."""
    if "properties" in inner:
        yield from _rows(inner, schemas, f"{path}.", depth + 1)
    elif "items" in inner and "properties" in _resolved(inner["items"], schemas):
        yield from _rows(inner["items"], schemas, f"{path}[].", depth + 1)


def _first(schema: _Schema, schemas: _Schemas) -> _Schema:
    """Of several forms, the first that has fields."""
    for one in schema.get("anyOf", ()):
        found = _resolved(one, schemas)
        if "properties" in found or "properties" in _resolved(found.get("items", {}), schemas):
            return found
    return schema


def _resolved(schema: _Schema, schemas: _Schemas) -> _Schema:
    if "$ref" not in schema:
        return schema
    return schemas[schema["$ref"].rpartition("/")[2]]


def _bounds(schema: _Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    longest = schema.get("maxLength")
    if longest is not None:
        return f" ≤ {longest}"
    match low, high:
        case None, None:
            return ""
        case _, None:
            return f" ≥ {low}"
        case None, _:
            return f" ≤ {high}"
        case _:
            return f" {low} … {high}"
