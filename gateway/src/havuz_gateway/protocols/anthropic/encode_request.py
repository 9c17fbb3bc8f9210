"""A neutral request to a Messages body."""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.anthropic.encode_messages import MessageWriter
from havuz_gateway.protocols.anthropic.reasoning import plan_reasoning
from havuz_gateway.protocols.anthropic.tools import write_choice, write_tool
from havuz_gateway.protocols.anthropic.wire import PROTOCOL, write_cache
from havuz_gateway.protocols.codec import Encoded, Quirks
from havuz_gateway.protocols.neutral.errors import cannot_say
from havuz_gateway.protocols.neutral.extensions import Dropped, restored
from havuz_gateway.protocols.neutral.request import ChatRequest, OutputFormat
from havuz_gateway.protocols.neutral.tools import FunctionTool

_ANSWER_TOOL = "json_answer"
_TIERS = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}
# https://platform.claude.com/docs/en/build-with-claude/extended-thinking#interleaved-thinking
_INTERLEAVED = {"anthropic-beta": "interleaved-thinking-2025-05-14"}
_LEAST_TOP_P_WHILE_THINKING = 0.95
# Hints that have no counterpart here, under the names that clients know.
_HINTS = {
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "seed": "seed",
    "logprobs": "logprobs",
    "top_logprobs": "top_logprobs",
    "verbosity": "verbosity",
    "metadata": "metadata",
    "store": "store",
    "cache_key": "prompt_cache_key",
    "previous_response_id": "previous_response_id",
}


def encode_request(request: ChatRequest, quirks: Quirks) -> Encoded:
    """The body for a model with `quirks`. Raises `CannotExpress` naming the field."""
    _refuse(request)
    dropped = Dropped(PROTOCOL)
    dropped.foreign(request.extensions)
    for name, word in _HINTS.items():
        if getattr(request, name):
            dropped.note(word)
    plan = plan_reasoning(request, quirks, dropped)
    body: dict[str, Any] = {
        "model": request.model,
        "max_tokens": plan.limit or (quirks.output_limit if request.output_limit is None else request.output_limit),
        **MessageWriter(quirks, dropped).write(request.messages),
        **_plain(request, dropped),
        **_sampling(request, quirks, dropped, thinks=plan.thinks),
        **plan.members,
    }
    tools, choice = _tools(request, quirks, dropped)
    output_config = {} if plan.effort is None else {"effort": plan.effort}
    answer_tool: str | None = None
    if request.output_format is not None and request.output_format.kind != "text":
        if quirks.output_schema == "native" and request.output_format.schema is not None:
            output_config |= _output_config(request.output_format)
        elif plan.thinks or not quirks.forced_tools:
            dropped.note("response_format")  # its tool would have to be forced, which excludes thinking
        else:
            answer_tool = _answer_tool_name(request)
            tools = [*(tools or []), _answer_tool(request.output_format, answer_tool)]
            choice = {"type": "any"} if request.tools else {"type": "tool", "name": answer_tool}
    optional = {"tools": tools, "tool_choice": choice, "output_config": output_config or None}
    body |= {name: value for name, value in optional.items() if value is not None}
    own = _merged_config(body, request.extensions.get(PROTOCOL, {}))
    headers = _INTERLEAVED if quirks.interleaved and plan.thinks and tools else {}
    return Encoded(restored(PROTOCOL, body, request.extensions) | own, dropped.names(), answer_tool, headers)


def _merged_config(body: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """Members of which a part was understood and a part was not."""
    return {
        name: {**body[name], **kept[name]}
        for name in ("output_config", "metadata")
        if isinstance(kept.get(name), dict) and name in body
    }


def _refuse(request: ChatRequest) -> None:
    if request.n is not None and request.n > 1:
        raise cannot_say("n", "more than one choice", PROTOCOL)
    if any(modality != "text" for modality in request.modalities or ()):
        raise cannot_say("modalities", "an answer that is not text", PROTOCOL)


def _plain(request: ChatRequest, dropped: Dropped) -> dict[str, Any]:
    members: dict[str, Any] = {**write_cache(request.cache)}
    if request.stream is not None:
        members["stream"] = request.stream
    if request.stop is not None:
        stops = [stop for stop in request.stop if stop.strip()]
        if len(stops) < len(request.stop):
            dropped.note("stop")  # Anthropic refuses stop sequences of nothing but white space
        members["stop_sequences"] = stops
    user = request.user if request.user is not None else request.safety_identifier
    if user is not None:
        members["metadata"] = {"user_id": user}
    if request.user is not None and request.safety_identifier is not None:
        dropped.note("safety_identifier")
    if request.service_tier is not None:
        tier = _TIERS.get(request.service_tier)
        if tier is None:
            dropped.note("service_tier")
        else:
            members["service_tier"] = tier
    return members


def _sampling(request: ChatRequest, quirks: Quirks, dropped: Dropped, *, thinks: bool) -> dict[str, Any]:
    """Temperature ends at 1 here. Beside thinking that havuz asked for, providers refuse what would disturb it."""
    wanted = {"temperature": request.temperature, "top_p": request.top_p, "top_k": request.top_k}
    members: dict[str, Any] = {}
    for name, value in wanted.items():
        if value is None:
            continue
        disturbs = thinks and not (
            (name == "temperature" and value == 1) or (name == "top_p" and value >= _LEAST_TOP_P_WHILE_THINKING)
        )
        if disturbs or not quirks.sampling:
            dropped.note(name)
        elif name == "temperature" and value > 1:
            dropped.note(name)
            members[name] = 1
        else:
            members[name] = value
    return members


def _tools(
    request: ChatRequest, quirks: Quirks, dropped: Dropped
) -> tuple[list[dict[str, Any]] | None, dict[str, Any] | None]:
    """The tools, narrowed to the allowed ones where the choice names some, and the choice. Raises `CannotExpress`."""
    choice = request.tool_choice
    if choice is not None:
        dropped.foreign(choice.extensions, "tool_choice")
    if not request.tools:
        if choice is not None and choice.mode in ("required", "tool"):
            dropped.note("tool_choice")
        return (None if request.tools is None else []), None
    if choice is not None and choice.mode in ("required", "tool") and not quirks.forced_tools:
        raise cannot_say("tool_choice", "a call that is forced", PROTOCOL)
    allowed = choice.allowed if choice is not None else ()
    tools = [
        write_tool(tool, f"tools[{index}]", dropped)
        for index, tool in enumerate(request.tools)
        if not allowed or (isinstance(tool, FunctionTool) and tool.name in allowed)
    ]
    return tools, write_choice(choice, request.parallel_tool_calls)


def _output_config(wanted: OutputFormat) -> dict[str, Any]:
    schema = dict(wanted.schema or {})
    if wanted.description is not None:
        schema.setdefault("description", wanted.description)
    return {"format": {"type": "json_schema", "schema": schema}}


def _answer_tool_name(request: ChatRequest) -> str:
    taken = {tool.name for tool in request.tools or () if isinstance(tool, FunctionTool)}
    name = _ANSWER_TOOL
    while name in taken:
        name += "_"
    return name


def _answer_tool(wanted: OutputFormat, name: str) -> dict[str, Any]:
    """The tool that stands in for structured output."""
    asked = wanted.description or "Give the answer to the user, as the arguments of this tool."
    return {"name": name, "description": asked, "input_schema": dict(wanted.schema or {"type": "object"})}
