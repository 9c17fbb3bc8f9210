"""A Chat Completions request to the neutral form: https://platform.openai.com/docs/api-reference/chat/create."""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.errors import unknown_type
from havuz_gateway.protocols.neutral.extensions import Extensions, kept
from havuz_gateway.protocols.neutral.request import ChatRequest, OutputFormat, Reasoning
from havuz_gateway.protocols.neutral.tools import Tool, ToolChoice, WebSearchTool
from havuz_gateway.protocols.openai_chat.decode_messages import read_message
from havuz_gateway.protocols.openai_chat.tools import read_choice, read_tool
from havuz_gateway.protocols.openai_chat.wire import PROTOCOL, request_members
from havuz_gateway.protocols.own_members import without_own


def decode_request(body: Mapping[str, Any]) -> ChatRequest:
    """The request in a decoded body. Raises `InvalidRequest` whose `param` names the field."""
    fields = request_members(without_own(body), "")
    for name in ("functions", "function_call"):
        if fields.peek(name) is not None:
            raise fields.wrong(name, fields.peek(name), "left out: send 'tools' and 'tool_choice' instead")
    spelled: dict[str, Any] = {}
    if not isinstance(fields.peek("messages"), list):
        raise fields.wrong("messages", fields.peek("messages"), "an array of messages")
    return ChatRequest(
        model=fields.needed_text("model"),
        messages=tuple(read_message(message) for message in fields.each("messages")),
        stream=fields.flag("stream"),
        include_usage=_include_usage(fields),
        output_limit=_limit(fields, spelled),
        temperature=fields.number("temperature"),
        top_p=fields.number("top_p"),
        top_k=fields.whole("top_k"),
        frequency_penalty=fields.number("frequency_penalty"),
        presence_penalty=fields.number("presence_penalty"),
        seed=fields.whole("seed"),
        n=fields.whole("n"),
        stop=_stop(fields, spelled),
        logprobs=fields.flag("logprobs"),
        top_logprobs=fields.whole("top_logprobs"),
        tools=_tools(fields),
        tool_choice=_tool_choice(fields),
        parallel_tool_calls=fields.flag("parallel_tool_calls"),
        output_format=_output_format(fields),
        reasoning=_reasoning(fields),
        verbosity=fields.text("verbosity"),
        modalities=fields.texts("modalities"),
        service_tier=fields.text("service_tier"),
        user=fields.text("user"),
        safety_identifier=fields.text("safety_identifier"),
        metadata=fields.mapping("metadata"),
        cache_key=fields.text("prompt_cache_key"),
        store=fields.flag("store"),
        extensions=_extensions(fields, spelled),
    )


def _tool_choice(fields: Members) -> ToolChoice | None:
    choice = fields.take("tool_choice")
    return None if choice is None else read_choice(choice, "tool_choice")


def _reasoning(fields: Members) -> Reasoning | None:
    effort = fields.text("reasoning_effort")
    return None if effort is None else Reasoning(mode="off" if effort == "none" else "on", effort=effort)


def _extensions(fields: Members, spelled: Mapping[str, Any]) -> Extensions:
    return kept(PROTOCOL, fields.rest(), spelled=spelled)


def _include_usage(fields: Members) -> bool | None:
    options = fields.members("stream_options")
    if options is None:
        return None
    include = options.flag("include_usage")
    if options.rest() or include is None:
        fields.put_back("stream_options", options.rest())
    return include


def _limit(fields: Members, spelled: dict[str, Any]) -> int | None:
    """The newer name counts where both are given."""
    older = fields.whole("max_tokens")
    if older is not None:
        spelled["max_tokens"] = older
    newer = fields.whole("max_completion_tokens")
    if newer is not None and older is not None:
        spelled["max_completion_tokens"] = newer
    return older if newer is None else newer


def _stop(fields: Members, spelled: dict[str, Any]) -> tuple[str, ...] | None:
    stop = fields.peek("stop")
    if not isinstance(stop, str):
        return fields.texts("stop")
    spelled["stop"] = fields.take("stop")
    return (stop,)


def _tools(fields: Members) -> tuple[Tool, ...] | None:
    listed = fields.peek("tools") is not None
    tools: tuple[Tool, ...] = tuple(read_tool(tool) for tool in fields.each("tools"))
    search = fields.members("web_search_options")
    if search is not None:
        tools += (_web_search(search),)
    return tools if listed or search is not None else None


def _web_search(search: Members) -> WebSearchTool:
    size = search.text("search_context_size")
    location: dict[str, str] | None = None
    match search.peek("user_location"):
        case {"type": "approximate", "approximate": dict() as place, **rest} if not rest:
            search.take("user_location")
            location = place
        case _:
            pass
    return WebSearchTool(context_size=size, location=location, extensions=kept(PROTOCOL, search.rest()))


def _output_format(fields: Members) -> OutputFormat | None:
    wanted = fields.members("response_format")
    if wanted is None:
        return None
    kind = wanted.needed_text("type")
    match kind:
        case "text":
            return OutputFormat("text", extensions=kept(PROTOCOL, wanted.rest()))
        case "json_object":
            return OutputFormat("json", extensions=kept(PROTOCOL, wanted.rest()))
        case "json_schema":
            return _schema(wanted)
        case _:
            raise unknown_type("response_format.type", kind, PROTOCOL)


def _schema(wanted: Members) -> OutputFormat:
    described = wanted.members("json_schema")
    if described is None:
        raise wanted.wrong("json_schema", None, "an object with 'name' and 'schema'")
    name, description = described.needed_text("name"), described.text("description")
    schema, strict = described.mapping("schema"), described.flag("strict")
    if described.rest():
        wanted.put_back("json_schema", described.rest())
    extensions = kept(PROTOCOL, wanted.rest())
    return OutputFormat(
        "json_schema", name=name, description=description, schema=schema, strict=strict, extensions=extensions
    )
