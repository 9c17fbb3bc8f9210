"""A kind as a structural schema: what pydantic says of it, without what the API server does not take.

https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
"""

from collections.abc import Mapping
from typing import Any

from havuz_contract.v1alpha1.meta import KubeObject

Schema = dict[str, Any]

_DROPPED = ("title", "$defs", "propertyNames", "discriminator")
_FIRST = ("description", "type", "format", "enum", "default", "required")
_LAST = ("properties", "items", "additionalProperties")


def structural(kind: type[KubeObject]) -> Schema:
    """The `openAPIV3Schema` of a kind. apiVersion, kind and metadata are left to the API server."""
    schema = kind.model_json_schema(by_alias=True, mode="validation")
    whole = _convert(schema, schema.get("$defs", {}))
    properties = whole["properties"]
    properties["apiVersion"] = {"type": "string"}
    properties["kind"] = {"type": "string"}
    properties["metadata"] = {"type": "object"}
    whole["required"] = [name for name in whole["required"] if name == "spec"]
    return whole


def _convert(schema: Mapping[str, Any], definitions: Mapping[str, Schema]) -> Schema:
    flat = _flatten(schema, definitions)
    converted: Schema = {}
    for word, value in flat.items():
        match word:
            case _ if word in _DROPPED:
                continue
            case "properties":
                converted[word] = {name: _convert(one, definitions) for name, one in value.items()}
            case "items":
                converted[word] = _convert(value, definitions)
            case "additionalProperties":
                if isinstance(value, Mapping):
                    converted[word] = _convert(value, definitions)
            case "const":
                converted["enum"] = [value]
            case "default":
                if value is not None:
                    converted[word] = _without_nulls(value)
            case _:
                converted[word] = value
    return dict(sorted(converted.items(), key=_place))


def _place(entry: tuple[str, Any]) -> tuple[int, str]:
    """Where a word stands, so that the YAML reads from meaning to detail and never changes its order."""
    word = entry[0]
    if word in _FIRST:
        return _FIRST.index(word), ""
    if word in _LAST:
        return 1000, ""
    return 100, word


def _flatten(schema: Mapping[str, Any], definitions: Mapping[str, Schema]) -> Schema:
    """One level without `$ref` and without the null that an optional field may be; what stands beside wins."""
    flat = dict(schema)
    while True:
        if "$ref" in flat:
            inner = definitions[flat.pop("$ref").rpartition("/")[2]]
        elif "anyOf" in flat:
            branches = [branch for branch in flat.pop("anyOf") if branch.get("type") != "null"]
            if len(branches) != 1:
                raise TypeError(f"a structural schema has no union types, found {branches!r}; use one type")
            inner = branches[0]
        else:
            return flat
        flat = {**inner, **flat}


def _without_nulls(value: Any) -> Any:
    """A default without absent fields. It must be whole: the API server checks CEL rules on it as it stands."""
    if isinstance(value, Mapping):
        return {name: _without_nulls(one) for name, one in value.items() if one is not None}
    return value
