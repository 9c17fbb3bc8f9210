"""Reading a Responses request: the few fields the gateway acts on, after a check of all that it knows.

https://platform.openai.com/docs/api-reference/responses/create
"""

from collections.abc import Mapping
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
    required_text,
    text,
)
from havuz_gateway.protocols.openai.settings import SETTINGS, answer_format, named, tool_choice, tools
from havuz_gateway.values import frozen

_INPUT = "a string or a non-empty array of items"
_ROLES = ("user", "assistant", "system", "developer")
_ID_LIMIT = 256


@frozen
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


def _tool(path: str, kind: str, tool: dict[str, Any]) -> None:
    if kind in ("function", "custom"):
        named(path, tool)


def _text(path: str, value: Any) -> None:
    mapping(path, value)
    if value.get("format") is not None:
        answer_format(f"{path}.format", value["format"], schema="schema")


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
    **SETTINGS,
    "input": _input,
    "instructions": text,
    "stream_options": mapping,
    "max_output_tokens": integer(1),
    "max_tool_calls": integer(1),
    "tools": tools(_tool),
    "tool_choice": tool_choice,
    "text": _text,
    "reasoning": mapping,
    "include": array,
    "previous_response_id": _response_id,
    "background": _background,
    "conversation": _conversation,
    "prompt": mapping,
    "truncation": text,
    "safety_identifier": text,
    "prompt_cache_key": text,
}
