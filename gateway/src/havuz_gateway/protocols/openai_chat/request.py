"""Reading a Chat Completions request: the few fields the gateway acts on, after a check of all that it knows.

https://platform.openai.com/docs/api-reference/chat/create. `timeout`, `think` and `deepsearch` are havuz's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

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
from havuz_gateway.protocols.openai_chat.messages import check_messages

MAX_TIMEOUT_SECONDS = 600
_MODES: tuple[Literal["think", "deepsearch"], ...] = ("think", "deepsearch")
MAX_STOPS = 4
MAX_TOOLS = 1024


@dataclass(frozen=True, slots=True)
class ChatFields:
    """What the gateway acts on. `timeout` is seconds."""

    model: str
    stream: bool
    timeout: float | None
    modes: tuple[Literal["think", "deepsearch"], ...]
    include_usage: bool


def read_chat(fields: Mapping[str, Any]) -> ChatFields:
    """Check a decoded body and read it. Raises `InvalidRequest`, whose `param` names the field."""
    model = required_text(fields, "model")
    if "messages" not in fields:
        raise missing("messages", "a non-empty array of messages")
    check_messages(fields["messages"])
    check_fields(fields, FIELDS)
    stream = fields.get("stream") is True
    return ChatFields(
        model=model,
        stream=stream,
        timeout=fields.get("timeout"),
        modes=tuple(name for name in _MODES if fields.get(name)),
        include_usage=stream and (fields.get("stream_options") or {}).get("include_usage") is True,
    )


def _stop(path: str, value: Any) -> None:
    if type(value) is str:
        return
    if type(value) is not list or len(value) > MAX_STOPS:
        raise wrong(path, value, f"a string or an array of at most {MAX_STOPS} strings")
    for index, item in enumerate(value):
        text(f"{path}[{index}]", item)


def _tools(path: str, value: Any) -> None:
    array(path, value)
    if len(value) > MAX_TOOLS:
        raise wrong(path, value, f"an array of at most {MAX_TOOLS} tools")
    for index, tool in enumerate(value):
        place = f"{path}[{index}]"
        mapping(place, tool)
        kind = tool.get("type")
        if type(kind) is not str:
            raise wrong(f"{place}.type", kind, "a string such as 'function'")
        if kind == "function":
            _function(f"{place}.function", tool.get("function"))


def _function(path: str, value: Any) -> None:
    mapping(path, value)
    name = value.get("name")
    if type(name) is not str or not name:
        raise wrong(f"{path}.name", name, "a non-empty string")
    if value.get("parameters") is not None:
        mapping(f"{path}.parameters", value["parameters"])


def _tool_choice(path: str, value: Any) -> None:
    if value in ("none", "auto", "required"):
        return
    if type(value) is not dict or type(value.get("type")) is not str:
        raise wrong(path, value, "'none', 'auto', 'required' or an object that names a tool")
    if value["type"] == "function":
        _function(f"{path}.function", value.get("function"))


def _response_format(path: str, value: Any) -> None:
    mapping(path, value)
    kind = value.get("type")
    if type(kind) is not str:
        raise wrong(f"{path}.type", kind, "'text', 'json_object' or 'json_schema'")
    if kind == "json_schema":
        mapping(f"{path}.json_schema", value.get("json_schema"))


def _stream_options(path: str, value: Any) -> None:
    mapping(path, value)
    if value.get("include_usage") is not None:
        boolean(f"{path}.include_usage", value["include_usage"])


FIELDS: dict[str, Check] = {
    "stream": boolean,
    "stream_options": _stream_options,
    "temperature": number(0, 2),
    "top_p": number(0, 1),
    "presence_penalty": number(-2, 2),
    "frequency_penalty": number(-2, 2),
    "max_tokens": integer(1),
    "max_completion_tokens": integer(1),
    "n": integer(1, 128),
    "seed": integer(),
    "stop": _stop,
    "logprobs": boolean,
    "top_logprobs": integer(0, 20),
    "logit_bias": mapping,
    "tools": _tools,
    "tool_choice": _tool_choice,
    "parallel_tool_calls": boolean,
    "functions": array,
    "response_format": _response_format,
    "reasoning_effort": text,
    "modalities": array,
    "metadata": mapping,
    "store": boolean,
    "user": text,
    "service_tier": text,
    "timeout": integer(1, MAX_TIMEOUT_SECONDS),
    "think": boolean,
    "deepsearch": boolean,
}
