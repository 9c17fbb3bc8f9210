"""A small value that fits a JSON schema: for the arguments of mock tool calls and for structured answers.

Covers what OpenAI's structured outputs take (types, enum, const, $ref, anyOf, allOf, bounds); the rest is ignored.
"""

import math
from collections.abc import Mapping
from typing import Any

_MAX_DEPTH = 12
_MAX_ITEMS = 16
_MAX_TEXT = 4096
_FORMATS = {
    "date-time": "2024-01-01T00:00:00Z",
    "date": "2024-01-01",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "person@example.com",
    "uri": "https://example.com/",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def sample(schema: Any) -> Any:
    """A value for `schema`: required members only, smallest sizes, first choices. Never raises."""
    root = schema if isinstance(schema, dict) else {}
    return _value(root, root, "value", 0)


def _value(schema: Any, root: Mapping[str, Any], name: str, depth: int) -> Any:
    if not isinstance(schema, dict) or depth > _MAX_DEPTH:
        return None
    for given in ("const", "default"):
        if given in schema:
            return schema[given]
    for listed in ("enum", "examples"):
        if isinstance(schema.get(listed), list) and schema[listed]:
            return schema[listed][0]
    if isinstance(schema.get("$ref"), str):
        return _value(_resolve(schema["$ref"], root), root, name, depth + 1)
    return _composed(schema, root, name, depth)


def _composed(schema: dict[str, Any], root: Mapping[str, Any], name: str, depth: int) -> Any:
    for choice in ("anyOf", "oneOf"):
        options = schema.get(choice)
        if isinstance(options, list) and options:
            return _value(_simplest(options), root, name, depth + 1)
    parts = schema.get("allOf")
    if isinstance(parts, list) and parts:
        return _value(_merged(schema, parts, root), root, name, depth + 1)
    return _typed(schema, root, name, depth)


def _typed(schema: dict[str, Any], root: Mapping[str, Any], name: str, depth: int) -> Any:
    match _type_of(schema):
        case "object":
            return _object(schema, root, depth)
        case "array":
            return _array(schema, root, name, depth)
        case "string":
            return _string(schema, name)
        case "integer":
            return math.ceil(_number(schema, step=1))
        case "number":
            return _number(schema, step=0.5)
        case "boolean":
            return True
        case _:
            return None


def _type_of(schema: dict[str, Any]) -> str | None:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), None)
    if isinstance(kind, str):
        return kind
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema else None


def _object(schema: dict[str, Any], root: Mapping[str, Any], depth: int) -> dict[str, Any]:
    properties = schema.get("properties")
    known = properties if isinstance(properties, dict) else {}
    required = schema.get("required")
    names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    return {name: _value(known.get(name, {"type": "string"}), root, name, depth + 1) for name in names}


def _array(schema: dict[str, Any], root: Mapping[str, Any], name: str, depth: int) -> list[Any]:
    count = min(max(_bound(schema, "minItems", 1), 1), _MAX_ITEMS)
    if depth >= _MAX_DEPTH - 1:
        count = 0  # a schema that contains itself ends here
    return [_value(schema.get("items", {"type": "string"}), root, name, depth + 1) for _ in range(int(count))]


def _string(schema: dict[str, Any], name: str) -> str:
    known = schema.get("format")
    text = _FORMATS.get(known, f"example {name}") if isinstance(known, str) else f"example {name}"
    least = int(min(_bound(schema, "minLength", 0), _MAX_TEXT))
    most = int(min(_bound(schema, "maxLength", _MAX_TEXT), _MAX_TEXT))
    return text.ljust(least, "x")[:most]


def _number(schema: dict[str, Any], *, step: float) -> float:
    low = max(_bound(schema, "minimum", -math.inf), _bound(schema, "exclusiveMinimum", -math.inf) + step)
    high = min(_bound(schema, "maximum", math.inf), _bound(schema, "exclusiveMaximum", math.inf) - step)
    value = min(max(1.0, low), high)
    multiple = _bound(schema, "multipleOf", 0)
    if multiple > 0:
        value = math.ceil(value / multiple) * multiple
    return value if math.isfinite(value) else 1.0


def _bound(schema: dict[str, Any], name: str, default: float) -> float:
    value = schema.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else default


def _simplest(options: list[Any]) -> Any:
    """The first choice that is no null and no reference, so that a schema that contains itself comes to an end."""
    real = [option for option in options if isinstance(option, dict) and option.get("type") != "null"]
    return next((option for option in real if "$ref" not in option), real[0] if real else options[0])


def _merged(schema: dict[str, Any], parts: list[Any], root: Mapping[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {name: value for name, value in schema.items() if name != "allOf"}
    for part in parts:
        resolved = _resolve(part["$ref"], root) if isinstance(part, dict) and "$ref" in part else part
        if not isinstance(resolved, dict):
            continue
        properties = {**_dict(merged.get("properties")), **_dict(resolved.get("properties"))}
        required = [*_list(merged.get("required")), *_list(resolved.get("required"))]
        merged = {**merged, **resolved, "properties": properties, "required": required}
    return merged


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _resolve(reference: Any, root: Mapping[str, Any]) -> Any:
    """What a local reference such as `#/$defs/Item` points to."""
    place: Any = root
    for step in str(reference).removeprefix("#").strip("/").split("/"):
        if not step:
            continue
        place = place.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(place, dict) else None
    return place
