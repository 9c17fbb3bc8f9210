"""A generateContent request to the neutral form: https://ai.google.dev/api/generate-content#request-body.

Google says the model and whether to stream in the URL. The surface that reads the URL adds both to the body, as
`model` and `stream`; a body without them (a token count's, a recorded one) has the model "".
"""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.gemini.decode_messages import read_contents, read_system
from havuz_gateway.protocols.gemini.generation import CONFIG, read_config, spelled_modalities
from havuz_gateway.protocols.gemini.names import camelled
from havuz_gateway.protocols.gemini.tools import read_choice, read_tools
from havuz_gateway.protocols.gemini.wire import CONFIG_SPELLING, NAMES, PROTOCOL, request_members
from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.extensions import Extensions, kept
from havuz_gateway.protocols.neutral.request import ChatRequest
from havuz_gateway.protocols.neutral.tools import ToolChoice

_TIERS = {"standard": "default", "flex": "flex", "priority": "priority"}
_MODEL_FOLDER = "models/"


def decode_request(body: Mapping[str, Any]) -> ChatRequest:
    """The request in a decoded body, in either spelling of its members. Raises `InvalidRequest` naming the field."""
    plain, names = camelled(dict(body))
    fields = request_members(plain, "")
    if not isinstance(fields.peek("contents"), list):
        raise fields.wrong("contents", fields.peek("contents"), "an array of contents")
    system = fields.members("systemInstruction")
    instructions = () if system is None else (read_system(system),)
    listed = fields.peek("tools") is not None
    tools, groups = read_tools(fields.each("tools"))
    config, config_spelled = _config(fields)
    tier, spelled = _tier(fields)
    request = {
        "model": (fields.text("model") or "").removeprefix(_MODEL_FOLDER),
        "stream": fields.flag("stream"),
        "messages": (*instructions, *read_contents(fields.each("contents"))),
        "tools": tools if listed else None,
        "tool_choice": _choice(fields),
        "service_tier": tier,
        "store": fields.flag("store"),
        **config,
    }
    extensions: Extensions = {**kept(PROTOCOL, fields.rest(), spelled=spelled), **groups}
    if names:
        extensions = {**extensions, NAMES: {"tree": names}}
    if config_spelled:
        extensions = {**extensions, CONFIG_SPELLING: config_spelled}
    return ChatRequest(**request, extensions=extensions)


def _config(fields: Members) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields in `generationConfig` and how they were spelled; what is left of it stays in the body."""
    config = fields.members(CONFIG)
    if config is None:
        return {}, {}
    spelled = spelled_modalities(config)
    read = read_config(config)
    if config.rest() or all(value is None for value in read.values()):
        fields.put_back(CONFIG, config.rest())
    return read, spelled


def _choice(fields: Members) -> ToolChoice | None:
    """The choice in `toolConfig`; its other members, and a choice that says nothing, stay in the body."""
    raw = fields.peek("toolConfig")
    tool_config = fields.members("toolConfig")
    if tool_config is None:
        return None
    calling = tool_config.members("functionCallingConfig")
    choice = None if calling is None else read_choice(calling)
    if choice is None:
        fields.put_back("toolConfig", raw)
    elif tool_config.rest():
        fields.put_back("toolConfig", tool_config.rest())
    return choice


def _tier(fields: Members) -> tuple[str | None, dict[str, Any]]:
    word = fields.text("serviceTier")
    if word is None:
        return None, {}
    tier = _TIERS.get(word)
    return (tier, {}) if tier is not None else (word.lower(), {"serviceTier": word})
