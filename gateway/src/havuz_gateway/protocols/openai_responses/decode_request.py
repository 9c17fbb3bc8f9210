"""A Responses request to the neutral form: https://platform.openai.com/docs/api-reference/responses/create."""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.errors import unknown_type
from havuz_gateway.protocols.neutral.extensions import Extensions, kept
from havuz_gateway.protocols.neutral.request import ChatRequest, Message, OutputFormat, Reasoning
from havuz_gateway.protocols.neutral.tools import Tool, ToolChoice
from havuz_gateway.protocols.openai_responses.decode_input import read_input
from havuz_gateway.protocols.openai_responses.tools import read_choice, read_tool
from havuz_gateway.protocols.openai_responses.wire import PROTOCOL, REQUIRED, SPELLING, request_members
from havuz_gateway.protocols.own_members import without_own

LOGPROBS = "message.output_text.logprobs"
SEALS = "reasoning.encrypted_content"
# What another provider must not leave out, and what says nothing where it is what all do anyway.
_FIRM = ("background", "conversation", "prompt")
_USUAL = {"background": False, "truncation": "disabled"}


def decode_request(body: Mapping[str, Any]) -> ChatRequest:
    """The request in a decoded body. Raises `InvalidRequest` whose `param` names the field.

    Its extensions always have an entry for this protocol: a body is written again without anything added.
    """
    fields = request_members(without_own(body), "")
    if fields.peek("input") is None and not any(fields.peek(name) for name in (*_FIRM, "previous_response_id")):
        raise fields.wrong("input", None, "a string or an array of items")
    spelled: dict[str, Any] = {}
    include = _include(fields, spelled)
    verbosity, output_format = _text(fields)
    return ChatRequest(
        model=fields.needed_text("model"),
        messages=(*_instructions(fields), *read_input(fields)),
        stream=fields.flag("stream"),
        output_limit=fields.whole("max_output_tokens"),
        temperature=fields.number("temperature"),
        top_p=fields.number("top_p"),
        frequency_penalty=fields.number("frequency_penalty"),
        presence_penalty=fields.number("presence_penalty"),
        logprobs=True if LOGPROBS in include else None,
        top_logprobs=fields.whole("top_logprobs"),
        tools=_tools(fields),
        tool_choice=_tool_choice(fields),
        parallel_tool_calls=fields.flag("parallel_tool_calls"),
        output_format=output_format,
        reasoning=_reasoning(fields),
        verbosity=verbosity,
        service_tier=fields.text("service_tier"),
        user=fields.text("user"),
        safety_identifier=fields.text("safety_identifier"),
        metadata=fields.mapping("metadata"),
        cache_key=fields.text("prompt_cache_key"),
        store=fields.flag("store"),
        previous_response_id=fields.text("previous_response_id"),
        extensions=_extensions(fields, spelled),
    )


def _extensions(fields: Members, spelled: dict[str, Any]) -> Extensions:
    for name, value in _USUAL.items():
        if fields.peek(name) == value and fields.peek(name) is not None:
            spelled[name] = fields.take(name)
    firm = {name: value for name in _FIRM if (value := fields.take(name)) is not None}
    entries: dict[str, Mapping[str, Any]] = {PROTOCOL: fields.rest()}
    if firm:
        entries[REQUIRED] = firm
    if spelled:
        entries[SPELLING] = spelled
    return entries


def _instructions(fields: Members) -> tuple[Message, ...]:
    instructions = fields.text("instructions")
    return () if instructions is None else (Message("system", instructions, apart=True, place="instructions"),)


def _include(fields: Members, spelled: dict[str, Any]) -> tuple[str, ...]:
    """What is asked for beside the answer. Seals come with every answer here."""
    wanted = fields.texts("include")
    if wanted is None:
        return ()
    rest = [name for name in wanted if name not in (LOGPROBS, SEALS)]
    if rest:
        fields.put_back("include", rest)
    if rest != list(wanted) and list(wanted) != [LOGPROBS]:
        spelled["include"] = list(wanted)
    elif not wanted:
        fields.put_back("include", [])
    return wanted


def _tools(fields: Members) -> tuple[Tool, ...] | None:
    if fields.peek("tools") is None:
        return None
    return tuple(read_tool(tool) for tool in fields.each("tools"))


def _tool_choice(fields: Members) -> ToolChoice | None:
    choice = fields.take("tool_choice")
    return None if choice is None else read_choice(choice, "tool_choice")


def _reasoning(fields: Members) -> Reasoning | None:
    reasoning = fields.members("reasoning")
    if reasoning is None:
        return None
    effort, summary = reasoning.text("effort"), reasoning.text("summary")
    mode = None if effort is None else "off" if effort == "none" else "on"
    return Reasoning(mode=mode, effort=effort, summary=summary, extensions={PROTOCOL: reasoning.rest()})  # type: ignore[arg-type]


def _text(fields: Members) -> tuple[str | None, OutputFormat | None]:
    text = fields.members("text")
    if text is None:
        return None, None
    verbosity, wanted = text.text("verbosity"), text.members("format")
    output_format = None if wanted is None else _format(wanted)
    if text.rest() or (verbosity is None and output_format is None):
        fields.put_back("text", text.rest())
    return verbosity, output_format


def _format(wanted: Members) -> OutputFormat:
    kind = wanted.needed_text("type")
    match kind:
        case "text":
            return OutputFormat("text", extensions=kept(PROTOCOL, wanted.rest()))
        case "json_object":
            return OutputFormat("json", extensions=kept(PROTOCOL, wanted.rest()))
        case "json_schema":
            return OutputFormat(
                "json_schema",
                name=wanted.needed_text("name"),
                description=wanted.text("description"),
                schema=wanted.mapping("schema"),
                strict=wanted.flag("strict"),
                extensions=kept(PROTOCOL, wanted.rest()),
            )
        case _:
            raise unknown_type("text.format.type", kind, PROTOCOL)
