"""Google's `Schema`, a subset of OpenAPI's with types in capitals, as JSON Schema.

https://ai.google.dev/api/caching#Schema. The other way is not needed: `parametersJsonSchema` and
`responseJsonSchema` take JSON Schema as it is.
"""

from typing import Any

_NAMES = {
    "any_of": "anyOf", "min_items": "minItems", "max_items": "maxItems", "min_properties": "minProperties",
    "max_properties": "maxProperties", "min_length": "minLength", "max_length": "maxLength",
    "additional_properties": "additionalProperties", "prefix_items": "prefixItems", "ref": "$ref", "defs": "$defs",
}  # fmt: skip
_WHOLE = ("minItems", "maxItems", "minProperties", "maxProperties", "minLength", "maxLength")
_LISTS = ("anyOf", "prefixItems")
_MAPS = ("properties", "$defs")
_INNER = ("items", "additionalProperties")
_LEFT_OUT = ("propertyOrdering", "property_ordering", "nullable")  # said by order, and by the type


def json_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """The same in JSON Schema. What is not understood stays as it is."""
    found: dict[str, Any] = {}
    for wire_name, value in schema.items():
        name = _NAMES.get(wire_name, wire_name)
        if name not in _LEFT_OUT:
            found[name] = _member(name, value)
    if schema.get("nullable") is True:
        _allow_null(found)
    return found


def _member(name: str, value: Any) -> Any:
    match value:
        case str() if name == "type":
            return value.lower()
        case str() if name in _WHOLE and value.isdecimal():  # int64 is a string in Google's JSON
            return int(value)
        case dict() if name in _INNER:
            return json_schema(value)
        case dict() if name in _MAPS:
            return {key: json_schema(inner) if isinstance(inner, dict) else inner for key, inner in value.items()}
        case list() if name in _LISTS:
            return [json_schema(inner) if isinstance(inner, dict) else inner for inner in value]
        case list() if name == "type":
            return [inner.lower() if isinstance(inner, str) else inner for inner in value]
        case _:
            return value


def _allow_null(schema: dict[str, Any]) -> None:
    if isinstance(schema.get("type"), str) and schema["type"] != "null":
        schema["type"] = [schema["type"], "null"]
        if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
            schema["enum"] = [*schema["enum"], None]
    elif isinstance(schema.get("anyOf"), list):
        schema["anyOf"] = [*schema["anyOf"], {"type": "null"}]
