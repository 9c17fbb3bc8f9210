"""Checks of the settings that requests for text have in both of OpenAI's languages."""

from collections.abc import Callable
from typing import Any

from havuz_gateway.protocols.openai.complaints import wrong
from havuz_gateway.protocols.openai.fields import Check, array, boolean, integer, mapping, number, text

SETTINGS: dict[str, Check] = {
    "stream": boolean,
    "temperature": number(0, 2),
    "top_p": number(0, 1),
    "top_logprobs": integer(0, 20),
    "parallel_tool_calls": boolean,
    "metadata": mapping,
    "store": boolean,
    "user": text,
    "service_tier": text,
}


def tools(check: Callable[[str, str, dict[str, Any]], None], most: int | None = None) -> Check:
    """At most so many tools; `check` looks at each: its path, its type and itself."""

    def check_all(path: str, value: Any) -> None:
        array(path, value)
        if most is not None and len(value) > most:
            raise wrong(path, value, f"an array of at most {most} tools")
        for index, tool in enumerate(value):
            place = f"{path}[{index}]"
            mapping(place, tool)
            check(place, kind_of(place, tool, "a string such as 'function'"), tool)

    return check_all


def tool_choice(path: str, value: Any) -> None:
    """A word, or an object that names a tool."""
    if value in ("none", "auto", "required"):
        return
    if type(value) is not dict or type(value.get("type")) is not str:
        raise wrong(path, value, "'none', 'auto', 'required' or an object that names a tool")


def answer_format(path: str, value: Any, *, schema: str) -> None:
    """The form of the answer; `schema` is the member that a schema stands in."""
    mapping(path, value)
    if kind_of(path, value, "'text', 'json_object' or 'json_schema'") == "json_schema":
        mapping(f"{path}.{schema}", value.get(schema))


def kind_of(path: str, value: dict[str, Any], wanted: str) -> str:
    """The `type` of an object."""
    kind = value.get("type")
    if type(kind) is not str:
        raise wrong(f"{path}.type", kind, wanted)
    return kind


def named(path: str, value: dict[str, Any]) -> None:
    """An object with a name."""
    name = value.get("name")
    if type(name) is not str or not name:
        raise wrong(f"{path}.name", name, "a non-empty string")
