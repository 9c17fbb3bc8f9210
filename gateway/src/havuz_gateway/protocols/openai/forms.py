"""The texts of a form as the values that a JSON body would have had."""

from collections.abc import Mapping
from typing import Any, Literal

Kind = Literal["integer", "number", "boolean"]


def typed(fields: Mapping[str, str | list[str]], kinds: Mapping[str, Kind]) -> dict[str, Any]:
    """Each field as its kind says; a text that can not be read so stays one, for whoever checks it to complain."""
    return {name: _typed(value, kinds.get(name)) for name, value in fields.items()}


def _typed(value: str | list[str], kind: Kind | None) -> Any:
    if not isinstance(value, str):
        return value
    try:
        match kind:
            case "integer":
                return int(value)
            case "number":
                return float(value)
            case "boolean":
                return {"true": True, "false": False}.get(value.lower(), value)
            case _:
                return value
    except ValueError:
        return value
