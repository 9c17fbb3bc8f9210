"""A neutral request to a Responses body.

A request of another protocol is answered without being stored, as its client expects, so its reasoning is asked for
sealed: otherwise the next turn could not build on it. https://platform.openai.com/docs/guides/reasoning
"""

from typing import Any

from havuz_gateway.protocols.codec import Encoded, Quirks
from havuz_gateway.protocols.neutral.content import RedactedThinking, Thinking, parts_of
from havuz_gateway.protocols.neutral.effort import asked_effort, nearest_effort
from havuz_gateway.protocols.neutral.errors import cannot_say
from havuz_gateway.protocols.neutral.extensions import Dropped, restored
from havuz_gateway.protocols.neutral.request import ChatRequest, OutputFormat, Reasoning
from havuz_gateway.protocols.neutral.tools import CustomTool
from havuz_gateway.protocols.openai_responses.decode_request import LOGPROBS, SEALS
from havuz_gateway.protocols.openai_responses.encode_input import InputWriter
from havuz_gateway.protocols.openai_responses.tools import write_choice, write_tool
from havuz_gateway.protocols.openai_responses.wire import PROTOCOL, SPELLING, present

_TIERS = {"standard_only": "default"}  # Anthropic's word
_SUMMARIES = {"summarized": "auto", "omitted": None}  # Anthropic's words
# Hints that have no counterpart here. The penalties are Open Responses' own, so they stay where they came this way.
_HINTS = ("top_k", "seed", "stop", "frequency_penalty", "presence_penalty")
_OPEN = ("frequency_penalty", "presence_penalty")


def encode_request(request: ChatRequest, quirks: Quirks) -> Encoded:
    """The body for a model with `quirks`. Raises `CannotExpress` naming the field."""
    _refuse(request)
    dropped = Dropped(PROTOCOL)
    dropped.foreign(request.extensions)
    own = PROTOCOL in request.extensions
    body: dict[str, Any] = {"model": request.model, **InputWriter(quirks, dropped).write(request.messages)}
    body |= _plain(request)
    body |= _sampling(request, quirks, dropped)
    body |= _tools(request, dropped)
    body |= _text(request, dropped)
    if request.reasoning is not None:
        reasoning = _reasoning(request.reasoning, quirks, dropped, own=own)
        body |= {"reasoning": reasoning} if own or reasoning else {}
    if request.cache is not None:
        dropped.note("cache_control")
    include = _include(request, quirks, own=own)
    if include:
        body["include"] = include
    default = {} if request.store is not None else {"store": False}
    inner = "text" if "text" in body else None
    return Encoded(restored(PROTOCOL, body, request.extensions, default=default, inner=inner), dropped.names())


def _refuse(request: ChatRequest) -> None:
    if request.n is not None and request.n > 1:
        raise cannot_say("n", "more than one choice", PROTOCOL)
    if any(modality != "text" for modality in request.modalities or ()):
        raise cannot_say("modalities", "an answer that is not text", PROTOCOL)


def _plain(request: ChatRequest) -> dict[str, Any]:
    """Fields that at most change their name."""
    tier = request.service_tier
    return present(
        {
            "stream": request.stream,
            "max_output_tokens": request.output_limit,
            "top_logprobs": request.top_logprobs,
            "parallel_tool_calls": request.parallel_tool_calls,
            "service_tier": None if tier is None else _TIERS.get(tier, tier),
            "user": request.user,
            "safety_identifier": request.safety_identifier,
            "metadata": request.metadata,
            "prompt_cache_key": request.cache_key,
            "store": request.store,
            "previous_response_id": request.previous_response_id,
        }
    )


def _sampling(request: ChatRequest, quirks: Quirks, dropped: Dropped) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in (("temperature", request.temperature), ("top_p", request.top_p)):
        if value is not None and quirks.sampling:
            members[name] = value
        elif value is not None:
            dropped.note(name)
    for name in _HINTS:
        value = getattr(request, name)
        if name in _OPEN and value is not None and PROTOCOL in request.extensions:
            members[name] = value
        elif value:
            dropped.note(name)
    return members


def _tools(request: ChatRequest, dropped: Dropped) -> dict[str, Any]:
    members: dict[str, Any] = {}
    tools = request.tools
    if tools is not None:
        members["tools"] = [write_tool(tool, f"tools[{index}]", dropped) for index, tool in enumerate(tools)]
    if request.tool_choice is not None:
        dropped.foreign(request.tool_choice.extensions, "tool_choice")
        custom = frozenset(tool.name for tool in tools or () if isinstance(tool, CustomTool))
        members["tool_choice"] = write_choice(request.tool_choice, custom)
    return members


def _text(request: ChatRequest, dropped: Dropped) -> dict[str, Any]:
    members: dict[str, Any] = {}
    if request.output_format is not None:
        members["format"] = _format(request.output_format, dropped)
    if request.verbosity is not None:
        members["verbosity"] = request.verbosity
    return {"text": members} if members else {}


def _format(wanted: OutputFormat, dropped: Dropped) -> dict[str, Any]:
    dropped.foreign(wanted.extensions, "response_format")
    match wanted.kind:
        case "text":
            members: dict[str, Any] = {"type": "text"}
        case "json":
            members = {"type": "json_object"}
        case "json_schema":
            described = {"description": wanted.description, "schema": wanted.schema, "strict": wanted.strict}
            members = {"type": "json_schema", "name": wanted.name or "answer", **present(described)}
    return restored(PROTOCOL, members, wanted.extensions)


def _reasoning(reasoning: Reasoning, quirks: Quirks, dropped: Dropped, *, own: bool) -> dict[str, Any]:
    dropped.foreign(reasoning.extensions, "thinking")
    summary = reasoning.summary
    if not own and summary is not None:
        summary = _SUMMARIES.get(summary, summary)
    effort = _effort(reasoning, quirks, dropped)
    return restored(PROTOCOL, present({"effort": effort, "summary": summary}), reasoning.extensions)


def _effort(reasoning: Reasoning, quirks: Quirks, dropped: Dropped) -> str | None:
    """A word that the model knows. Thinking that is only switched off is left out: not all models know "none"."""
    wanted = asked_effort(reasoning)
    if wanted is None:
        return None
    if quirks.efforts is None:
        if wanted != "none" or reasoning.effort == "none":
            return wanted
        dropped.note("thinking")
        return None
    effort = nearest_effort(wanted, quirks.efforts)
    if effort is None:
        dropped.note("reasoning_effort")
    return effort


def _include(request: ChatRequest, quirks: Quirks, *, own: bool) -> list[str]:
    """What a client of another protocol is told beside the answer; its own words come back from the extensions."""
    if own and "include" in request.extensions.get(SPELLING, {}):
        return []
    include = [LOGPROBS] if request.logprobs else []
    if not own and _reasons(request, quirks):
        include.append(SEALS)
    return include


def _reasons(request: ChatRequest, quirks: Quirks) -> bool:
    """Whether the model is known to reason; one that does not refuses to be asked for its seals."""
    if quirks.efforts is not None:
        return bool(quirks.efforts)
    if request.reasoning is not None:
        return asked_effort(request.reasoning) != "none"
    return any(
        isinstance(part, Thinking | RedactedThinking) and part.origin == PROTOCOL
        for message in request.messages
        for part in parts_of(message.content)
    )
