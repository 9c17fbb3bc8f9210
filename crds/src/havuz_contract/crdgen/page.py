"""The kinds as a reference page for people: every field with its type, default, bounds and meaning."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from havuz_contract.crdgen.structural import Schema, structural
from havuz_contract.v1alpha1.meta import API_VERSION, KubeObject
from havuz_contract.v1alpha1.rules import VALIDATIONS

_INTRODUCTION = f"""\
<!-- Generated from the kinds in havuz_contract.v1alpha1 by `make generate`. Do not edit. -->
# API reference

All kinds belong to `{API_VERSION}` and live in a namespace. `kubectl get havuz` lists objects of all of them,
`kubectl explain <kind>.spec` shows what this page says.

What a version would not act on, it does not accept: the object then says `Accepted=False`, reason `UnsupportedValue`,
and which field it is about. Nothing that is written is silently ignored.

Durations are written as `30s`, `5m` or `1h30m`, amounts of money as decimal numbers in quotes (`"0.10"`).
"""
_BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "maxProperties": "at most {} entries",
}


def reference_page(kinds: Iterable[type[KubeObject]]) -> str:
    """The whole page as Markdown."""
    return "\n".join([_INTRODUCTION, *(_section(kind) for kind in kinds)])


def _section(kind: type[KubeObject]) -> str:
    schema = structural(kind)
    lines = [
        f"## {kind.__name__}",
        "",
        schema["description"],
        "",
        f"Short name: `{'`, `'.join(kind.short_names)}`. `kubectl get {kind.plural}` shows "
        + ", ".join(column.name for column in kind.columns if not column.priority)
        + ".",
        "",
    ]
    for part in ("spec", "status"):
        lines += ["| field | type | default | meaning |", "|---|---|---|---|"]
        lines += [
            _row(path, one, required=required) for path, one, required in _fields(part, schema["properties"][part])
        ]
        lines.append("")
    sentences = list(_sentences("", schema))
    if sentences:
        lines += ["What is refused:", ""]
        lines += [f"- `{path or 'the object'}`: {sentence}" for path, sentence in sentences]
        lines.append("")
    return "\n".join(lines)


def _fields(path: str, schema: Schema) -> Iterator[tuple[str, Schema, bool]]:
    required = schema.get("required", ())
    for name, one in schema.get("properties", {}).items():
        here = f"{path}.{name}"
        yield here, one, name in required
        yield from _fields(here, one)
        if "properties" in one.get("items", {}):
            yield from _fields(f"{here}[]", one["items"])


def _row(path: str, schema: Schema, *, required: bool) -> str:
    default = "required" if required else _code(schema.get("default"))
    limits = [sentence.format(schema[word]) for word, sentence in _BOUNDS.items() if word in schema]
    meaning = " ".join([schema.get("description", ""), f"({', '.join(limits)})" if limits else ""])
    cells = (f"`{path}`", _type(schema), default, meaning.strip())
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _type(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(_code(value) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    if "additionalProperties" in schema:
        return f"map of {_type(schema['additionalProperties'])}"
    return "time" if schema.get("format") == "date-time" else str(schema["type"])


def _code(value: Any) -> str:
    match value:
        case None | {} | [] | "":
            return ""
        case bool():
            return f"`{str(value).lower()}`"
        case list():
            return f"`[{', '.join(map(str, value))}]`"
        case _:
            return f"`{value}`"


def _sentences(path: str, schema: Schema) -> Iterator[tuple[str, str]]:
    if path == "status":
        return
    for rule in schema.get(VALIDATIONS, ()):
        yield path, rule["message"]
    for name, one in schema.get("properties", {}).items():
        yield from _sentences(f"{path}.{name}".removeprefix("."), one)
    if "items" in schema:
        yield from _sentences(f"{path}[]", schema["items"])
    if isinstance(schema.get("additionalProperties"), dict):
        yield from _sentences(f"{path}.*", schema["additionalProperties"])
