"""A neutral request to a Chat Completions body."""

from typing import Any

from havuz_gateway.protocols.codec import Encoded, Quirks
from havuz_gateway.protocols.neutral.effort import effort_of, nearest_effort
from havuz_gateway.protocols.neutral.extensions import Dropped, restored
from havuz_gateway.protocols.neutral.request import ChatRequest, OutputFormat, Reasoning
from havuz_gateway.protocols.neutral.tools import CustomTool, WebSearchTool
from havuz_gateway.protocols.openai_chat.encode_messages import MessageWriter
from havuz_gateway.protocols.openai_chat.tools import write_choice, write_tool
from havuz_gateway.protocols.openai_chat.wire import PROTOCOL, SPELLING

_TIERS = {"standard_only": "default"}  # Anthropic's words


def encode_request(request: ChatRequest, quirks: Quirks) -> Encoded:
    """The body for a model with `quirks`. Raises `CannotExpress` naming the field."""
    dropped = Dropped(PROTOCOL)
    dropped.foreign(request.extensions)
    body: dict[str, Any] = {
        "model": request.model,
        "messages": MessageWriter(quirks, dropped).write(request.messages),
    }
    body |= _plain(request)
    body |= _limit(request, quirks)
    body |= _sampling(request, quirks, dropped)
    body |= _tools(request, dropped)
    if request.reasoning is not None:
        body |= _reasoning(request.reasoning, quirks, dropped)
    if request.output_format is not None:
        body["response_format"] = _output_format(request.output_format, dropped)
    if request.cache is not None:
        dropped.note("cache_control")
    if request.previous_response_id is not None:
        dropped.note("previous_response_id")
    return Encoded(restored(PROTOCOL, body, request.extensions), dropped.names())


def _plain(request: ChatRequest) -> dict[str, Any]:
    """Fields that only change their name."""
    tier = request.service_tier
    members = {
        "stream": request.stream,
        "stream_options": None if request.include_usage is None else {"include_usage": request.include_usage},
        "frequency_penalty": request.frequency_penalty,
        "presence_penalty": request.presence_penalty,
        "seed": request.seed,
        "n": request.n,
        "stop": None if request.stop is None else list(request.stop),
        "logprobs": request.logprobs,
        "top_logprobs": request.top_logprobs,
        "parallel_tool_calls": request.parallel_tool_calls,
        "verbosity": request.verbosity,
        "modalities": None if request.modalities is None else list(request.modalities),
        "service_tier": None if tier is None else _TIERS.get(tier, tier),
        "user": request.user,
        "safety_identifier": request.safety_identifier,
        "metadata": request.metadata,
        "prompt_cache_key": request.cache_key,
        "store": request.store,
    }
    return {name: value for name, value in members.items() if value is not None}


def _limit(request: ChatRequest, quirks: Quirks) -> dict[str, Any]:
    """The limit under the name that the server knows; the client's own spelling, where it has one, comes back later."""
    if request.output_limit is None or "max_tokens" in request.extensions.get(SPELLING, {}):
        return {}
    return {quirks.limit_field: request.output_limit}


def _sampling(request: ChatRequest, quirks: Quirks, dropped: Dropped) -> dict[str, Any]:
    wanted = {"temperature": request.temperature, "top_p": request.top_p, "top_k": request.top_k}
    members = {}
    for name, value in wanted.items():
        if value is None:
            continue
        if quirks.sampling and (name != "top_k" or quirks.top_k):
            members[name] = value
        else:
            dropped.note(name)
    return members


def _tools(request: ChatRequest, dropped: Dropped) -> dict[str, Any]:
    members: dict[str, Any] = {}
    tools = request.tools or ()
    searches = [tool for tool in tools if isinstance(tool, WebSearchTool)]
    if searches:
        members["web_search_options"] = _web_search(searches[0], dropped)
    spoken = [
        write_tool(tool, f"tools[{index}]", dropped)
        for index, tool in enumerate(tools)
        if not isinstance(tool, WebSearchTool)
    ]
    if spoken or (request.tools is not None and not searches):
        members["tools"] = spoken
    if request.tool_choice is not None:
        dropped.foreign(request.tool_choice.extensions, "tool_choice")
        custom = frozenset(tool.name for tool in tools if isinstance(tool, CustomTool))
        members["tool_choice"] = write_choice(request.tool_choice, custom)
    return members


def _web_search(tool: WebSearchTool, dropped: Dropped) -> dict[str, Any]:
    dropped.foreign(tool.extensions, "web_search")
    for name in ("max_uses", "allowed_domains", "blocked_domains"):
        if getattr(tool, name):
            dropped.note(f"web_search.{name}")
    members: dict[str, Any] = {}
    if tool.context_size is not None:
        members["search_context_size"] = tool.context_size
    if tool.location is not None:
        members["user_location"] = {"type": "approximate", "approximate": dict(tool.location)}
    return restored(PROTOCOL, members, tool.extensions)


def _reasoning(reasoning: Reasoning, quirks: Quirks, dropped: Dropped) -> dict[str, Any]:
    """One word for how much to think; how it is shown is not for the client to say here."""
    dropped.foreign(reasoning.extensions, "thinking")
    wanted = _effort(reasoning)
    if wanted is None:
        if reasoning.mode is not None:
            dropped.note("thinking")
        return {}
    if quirks.efforts is None:
        # A model that does not reason refuses the word itself, so thinking that is only switched off is left out.
        if wanted == "none" and reasoning.effort != "none":
            dropped.note("thinking")
            return {}
        return {"reasoning_effort": wanted}
    effort = nearest_effort(wanted, quirks.efforts)
    if effort is None:
        dropped.note("reasoning_effort")
        return {}
    return {"reasoning_effort": effort}


def _effort(reasoning: Reasoning) -> str | None:
    if reasoning.mode == "off":
        return "none"
    if reasoning.effort is not None:
        return reasoning.effort
    return effort_of(reasoning.budget) if reasoning.budget is not None else None


def _output_format(wanted: OutputFormat, dropped: Dropped) -> dict[str, Any]:
    dropped.foreign(wanted.extensions, "response_format")
    match wanted.kind:
        case "text":
            members: dict[str, Any] = {"type": "text"}
        case "json":
            members = {"type": "json_object"}
        case "json_schema":
            described = {
                "name": wanted.name or "answer",
                "description": wanted.description,
                "schema": wanted.schema,
                "strict": wanted.strict,
            }
            members = {
                "type": "json_schema",
                "json_schema": {name: value for name, value in described.items() if value is not None},
            }
    return restored(PROTOCOL, members, wanted.extensions, inner="json_schema")
