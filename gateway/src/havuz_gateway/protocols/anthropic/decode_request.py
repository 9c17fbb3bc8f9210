"""A Messages request to the neutral form: https://platform.claude.com/docs/en/api/messages/create."""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.anthropic.decode_messages import read_messages, read_system
from havuz_gateway.protocols.anthropic.reasoning import read_reasoning
from havuz_gateway.protocols.anthropic.tools import read_choice, read_tool
from havuz_gateway.protocols.anthropic.wire import PROTOCOL, read_cache, request_members
from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.extensions import kept
from havuz_gateway.protocols.neutral.request import ChatRequest, Message, OutputFormat


def decode_request(body: Mapping[str, Any]) -> ChatRequest:
    """The request in a decoded body, of a message or of a token count. Raises `InvalidRequest` naming the field."""
    fields = request_members(body, "")
    if not isinstance(fields.peek("messages"), list):
        raise fields.wrong("messages", fields.peek("messages"), "an array of messages")
    system = read_system(fields)
    instructions = () if system is None else (Message("system", system, apart=True),)
    output_format, effort = _output_config(fields)
    choice = fields.members("tool_choice")
    tool_choice, parallel = (None, None) if choice is None else read_choice(choice)
    listed = fields.peek("tools") is not None
    tools = tuple(read_tool(tool) for tool in fields.each("tools"))
    return ChatRequest(
        model=fields.needed_text("model"),
        messages=(*instructions, *read_messages(fields.each("messages"))),
        stream=fields.flag("stream"),
        output_limit=fields.whole("max_tokens"),
        temperature=fields.number("temperature"),
        top_p=fields.number("top_p"),
        top_k=fields.whole("top_k"),
        stop=fields.texts("stop_sequences"),
        tools=tools if listed else None,
        tool_choice=tool_choice,
        parallel_tool_calls=parallel,
        output_format=output_format,
        reasoning=read_reasoning(fields, effort),
        service_tier=fields.text("service_tier"),
        user=_user(fields),
        cache=read_cache(fields),
        extensions=kept(PROTOCOL, fields.rest()),
    )


def _output_config(fields: Members) -> tuple[OutputFormat | None, str | None]:
    config = fields.members("output_config")
    if config is None:
        return None, None
    effort = config.text("effort")
    output_format: OutputFormat | None = None
    match config.peek("format"):
        case {"type": "json_schema", "schema": dict() as schema, **rest} if not rest:
            config.take("format")
            output_format = OutputFormat("json_schema", schema=schema, strict=True)
        case None:
            pass
        case other:
            raise config.wrong("format", other, "an object of the type json_schema with a 'schema'")
    if config.rest() or (output_format is None and effort is None):
        fields.put_back("output_config", config.rest())
    return output_format, effort


def _user(fields: Members) -> str | None:
    metadata = fields.members("metadata")
    if metadata is None:
        return None
    user = metadata.text("user_id")
    if metadata.rest() or user is None:
        fields.put_back("metadata", metadata.rest())
    return user
