"""Reading a Chat Completions request: the few fields the gateway acts on, after a check of all that it knows.

https://platform.openai.com/docs/api-reference/chat/create
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

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
from havuz_gateway.protocols.openai.settings import SETTINGS, answer_format, named, tool_choice, tools
from havuz_gateway.protocols.openai_chat.messages import check_messages
from havuz_gateway.protocols.own_members import ModeName, read_own
from havuz_gateway.values import frozen

MAX_STOPS = 4
MAX_TOOLS = 1024


@frozen
class ChatFields:
    """What the gateway acts on. `timeout` is seconds."""

    model: str
    stream: bool
    timeout: float | None
    modes: tuple[ModeName, ...]
    include_usage: bool


def read_chat(fields: Mapping[str, Any]) -> ChatFields:
    """Check a decoded body and read it. Raises `InvalidRequest`, whose `param` names the field."""
    model = required_text(fields, "model")
    if "messages" not in fields:
        raise missing("messages", "a non-empty array of messages")
    check_messages(fields["messages"])
    check_fields(fields, FIELDS)
    own, stream = read_own(fields), fields.get("stream") is True
    return ChatFields(
        model=model,
        stream=stream,
        timeout=own.timeout,
        modes=own.modes,
        include_usage=stream and (fields.get("stream_options") or {}).get("include_usage") is True,
    )


def _stop(path: str, value: Any) -> None:
    if type(value) is str:
        return
    if type(value) is not list or len(value) > MAX_STOPS:
        raise wrong(path, value, f"a string or an array of at most {MAX_STOPS} strings")
    for index, item in enumerate(value):
        text(f"{path}[{index}]", item)


def _tool(path: str, kind: str, tool: dict[str, Any]) -> None:
    if kind == "function":
        _function(f"{path}.function", tool.get("function"))


def _function(path: str, value: Any) -> None:
    mapping(path, value)
    named(path, value)
    if value.get("parameters") is not None:
        mapping(f"{path}.parameters", value["parameters"])


def _tool_choice(path: str, value: Any) -> None:
    tool_choice(path, value)
    if type(value) is dict and value["type"] == "function":
        _function(f"{path}.function", value.get("function"))


def _stream_options(path: str, value: Any) -> None:
    mapping(path, value)
    if value.get("include_usage") is not None:
        boolean(f"{path}.include_usage", value["include_usage"])


FIELDS: dict[str, Check] = {
    **SETTINGS,
    "stream_options": _stream_options,
    "presence_penalty": number(-2, 2),
    "frequency_penalty": number(-2, 2),
    "max_tokens": integer(1),
    "max_completion_tokens": integer(1),
    "n": integer(1, 128),
    "seed": integer(),
    "stop": _stop,
    "logprobs": boolean,
    "logit_bias": mapping,
    "tools": tools(_tool, most=MAX_TOOLS),
    "tool_choice": _tool_choice,
    "functions": array,
    "response_format": partial(answer_format, schema="json_schema"),
    "reasoning_effort": text,
    "modalities": array,
}
