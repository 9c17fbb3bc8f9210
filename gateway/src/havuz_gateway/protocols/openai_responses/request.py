"""Reading a Responses request: the few fields the gateway acts on, after a check of all that it knows.

https://platform.openai.com/docs/api-reference/responses/create
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from havuz_gateway.errors import InvalidRequest
from havuz_gateway.protocols.openai.complaints import missing, wrong
from havuz_gateway.protocols.openai.fields import (
    Check,
    array,
    boolean,
    check_fields,
    integer,
    mapping,
    number,
    required_text,
    text,
)

_INPUT = "a string or a non-empty array of items"
_ROLES = ("user", "assistant", "system", "developer")
_ID_LIMIT = 256


@dataclass(frozen=True, slots=True)
class ResponseFields:
    """What the gateway acts on."""

    model: str
    stream: bool


def read_response_request(fields: Mapping[str, Any]) -> ResponseFields:
    """Check a decoded body and read it. Raises `InvalidRequest`, whose `param` names the field."""
    model = required_text(fields, "model")
    check_fields(fields, FIELDS)
    if fields.get("input") is None and fields.get("prompt") is None:
        raise missing("input", _INPUT)
    return ResponseFields(
        model=model,
        stream=fields.get("stream") is True,
    )


def _input(path: str, value: Any) -> None:
    if type(value) is str:
        return
    if type(value) is not list or not value:
        raise wrong(path, value, _INPUT)
    for index, item in enumerate(value):
        _item(f"{path}[{index}]", item)


def _item(path: str, item: Any) -> None:
    """An item's type may be one that only the provider knows; a message is known."""
    mapping(path, item)
    kind = item.get("type")
    if kind is not None and type(kind) is not str:
        raise wrong(f"{path}.type", kind, "a string such as 'message'")
    if kind not in (None, "message"):
        return
    if kind is None and "role" not in item and "id" in item:
        return  # a reference to an item
    if item.get("role") not in _ROLES:
        raise wrong(f"{path}.role", item.get("role"), "'user', 'assistant', 'system' or 'developer'")
    content = item.get("content")
    if type(content) is list:
        for index, part in enumerate(content):
            mapping(f"{path}.content[{index}]", part)
    elif type(content) is not str:
        raise wrong(f"{path}.content", content, "a string or an array of parts")


def _tools(path: str, value: Any) -> None:
    array(path, value)
    for index, tool in enumerate(value):
        place = f"{path}[{index}]"
        mapping(place, tool)
        kind = tool.get("type")
        if type(kind) is not str:
            raise wrong(f"{place}.type", kind, "a string such as 'function'")
        if kind in ("function", "custom") and not (type(tool.get("name")) is str and tool["name"]):
            raise wrong(f"{place}.name", tool.get("name"), "a non-empty string")


def _tool_choice(path: str, value: Any) -> None:
    if value in ("none", "auto", "required"):
        return
    if type(value) is not dict or type(value.get("type")) is not str:
        raise wrong(path, value, "'none', 'auto', 'required' or an object that names a tool")


def _text(path: str, value: Any) -> None:
    mapping(path, value)
    answer_format = value.get("format")
    if answer_format is None:
        return
    mapping(f"{path}.format", answer_format)
    kind = answer_format.get("type")
    if type(kind) is not str:
        raise wrong(f"{path}.format.type", kind, "'text', 'json_object' or 'json_schema'")
    if kind == "json_schema":
        mapping(f"{path}.format.schema", answer_format.get("schema"))


def _response_id(path: str, value: Any) -> None:
    if type(value) is not str or not value or len(value) > _ID_LIMIT:
        raise wrong(path, value, "the id of an earlier response")


def _background(path: str, value: Any) -> None:
    boolean(path, value)
    if value:
        raise InvalidRequest(
            "responses in the background are not offered: leave 'background' out, and use 'stream' for long answers",
            param=path,
        )


def _conversation(path: str, value: Any) -> None:
    raise InvalidRequest(
        "conversation objects are not offered: continue with 'previous_response_id', or send the items again",
        param=path,
    )


FIELDS: dict[str, Check] = {
    "input": _input,
    "instructions": text,
    "stream": boolean,
    "stream_options": mapping,
    "temperature": number(0, 2),
    "top_p": number(0, 1),
    "top_logprobs": integer(0, 20),
    "max_output_tokens": integer(1),
    "max_tool_calls": integer(1),
    "tools": _tools,
    "tool_choice": _tool_choice,
    "parallel_tool_calls": boolean,
    "text": _text,
    "reasoning": mapping,
    "include": array,
    "metadata": mapping,
    "store": boolean,
    "previous_response_id": _response_id,
    "background": _background,
    "conversation": _conversation,
    "prompt": mapping,
    "truncation": text,
    "user": text,
    "safety_identifier": text,
    "prompt_cache_key": text,
    "service_tier": text,
}
