"""The response object: what an answer says of itself, and the settings of its request, which it repeats.

https://platform.openai.com/docs/api-reference/responses/object
"""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.codec import Stamp
from havuz_gateway.protocols.neutral.extensions import Extensions, restored
from havuz_gateway.protocols.openai_responses.wire import PROTOCOL

# Settings as OpenAI tells them where the client left them out.
_SETTINGS: dict[str, Any] = {
    "background": False,
    "completed_at": None,
    "frequency_penalty": 0,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "presence_penalty": 0,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
_REPEATED = (*_SETTINGS, "conversation", "prompt", "prompt_cache_retention")
# What only the gateway knows, whatever a provider that speaks this protocol said.
_OURS = ("previous_response_id", "store")
_NULLS = ("error", "incomplete_details", "usage")


def default_members(told: Mapping[str, Any], echo: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What stands in a response beside the members that are `told`."""
    nulls = {name: None for name in _NULLS if told.get(name) is None}
    return nulls | (_SETTINGS if echo is None else _SETTINGS | _echoed(echo))


def response_object(members: Mapping[str, Any], extensions: Extensions, stamp: Stamp) -> dict[str, Any]:
    """The whole object. What its provider said in this protocol is kept; else settings are the client's own."""
    told = {name: value for name, value in members.items() if name not in _NULLS or value is not None}
    body = {"object": "response", **told}
    written = restored(PROTOCOL, body, extensions, default=default_members(told, stamp.echo))
    if stamp.echo is not None:
        written |= {name: stamp.echo[name] for name in _OURS if name in stamp.echo}
    return written


def _echoed(request: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a client's body, filled up as OpenAI does."""
    said = {name: request[name] for name in _REPEATED if request.get(name) is not None}
    for name in ("reasoning", "text"):
        if isinstance(said.get(name), Mapping):
            said[name] = {**_SETTINGS[name], **said[name]}
    if isinstance(said.get("conversation"), str):
        said["conversation"] = {"id": said["conversation"]}
    if isinstance(said.get("tools"), list):
        said["tools"] = [_tool(tool) for tool in said["tools"]]
    return said


def _tool(tool: Any) -> Any:
    if not isinstance(tool, Mapping) or tool.get("type") != "function":
        return tool
    return {"description": None, "parameters": None, "strict": True, **tool}
