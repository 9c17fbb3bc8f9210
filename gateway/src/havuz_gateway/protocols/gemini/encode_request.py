"""A neutral request to a generateContent body. Model and streaming are not in it: the provider puts both in the URL."""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.codec import Encoded, Quirks
from havuz_gateway.protocols.gemini.encode_messages import MessageWriter
from havuz_gateway.protocols.gemini.generation import CONFIG, write_config
from havuz_gateway.protocols.gemini.names import as_written
from havuz_gateway.protocols.gemini.tools import write_choice, write_tools
from havuz_gateway.protocols.gemini.wire import CONFIG_SPELLING, NAMES, PROTOCOL, SPELLING, written
from havuz_gateway.protocols.neutral.extensions import Dropped
from havuz_gateway.protocols.neutral.request import ChatRequest

_TIERS = {"default": "standard", "standard_only": "standard", "flex": "flex", "priority": "priority"}
_SAYS_NOTHING = ("auto",)  # of a tier: that is what leaving it out says
# Hints that have no counterpart here, under the names that clients know.
_HINTS = {
    "user": "user",
    "safety_identifier": "safety_identifier",
    "verbosity": "verbosity",
    "metadata": "metadata",
    "cache": "cache_control",
    "cache_key": "prompt_cache_key",
    "previous_response_id": "previous_response_id",
}
_SHARED = (CONFIG, "toolConfig")  # objects of which a part was understood and a part was not


def encode_request(request: ChatRequest, quirks: Quirks) -> Encoded:
    """The body for a model with `quirks`. Raises `CannotExpress` naming the field."""
    dropped = Dropped(PROTOCOL)
    dropped.foreign(request.extensions)
    for name, word in _HINTS.items():
        if getattr(request, name) is not None:
            dropped.note(word)
    if request.parallel_tool_calls is False:
        dropped.note("parallel_tool_calls")
    body = {
        **MessageWriter(quirks, dropped).write(request.messages),
        **_tools(request, dropped),
        **_plain(request, dropped),
    }
    config = write_config(request, quirks, dropped) | dict(request.extensions.get(CONFIG_SPELLING, {}))
    if config:
        body[CONFIG] = config
    own = _shared(body, request.extensions.get(PROTOCOL, {}))
    body = written(body, request.extensions) | own
    return Encoded(as_written(body, request.extensions.get(NAMES, {}).get("tree", {})), dropped.names())


def _shared(body: Mapping[str, Any], left: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {**body[name], **left[name]} for name in _SHARED if isinstance(left.get(name), dict) and name in body}


def _tools(request: ChatRequest, dropped: Dropped) -> dict[str, Any]:
    members: dict[str, Any] = {}
    if request.tools is not None:
        members["tools"] = write_tools(request.tools, request.extensions, dropped)
    choice = request.tool_choice
    if choice is not None:
        dropped.foreign(choice.extensions, "tool_choice")
        members["toolConfig"] = {"functionCallingConfig": write_choice(choice)}
    return members


def _plain(request: ChatRequest, dropped: Dropped) -> dict[str, Any]:
    members: dict[str, Any] = {}
    if request.store is not None:
        members["store"] = request.store
    if request.service_tier is not None and request.service_tier not in _SAYS_NOTHING:
        tier = _TIERS.get(request.service_tier)
        if tier is not None:
            members["serviceTier"] = tier
        elif "serviceTier" not in request.extensions.get(SPELLING, {}):
            dropped.note("service_tier")
    return members
