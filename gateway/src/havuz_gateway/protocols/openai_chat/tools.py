"""Tools, tool choices and tool calls of Chat Completions."""

from typing import Any

from havuz_gateway.protocols.json_text import dump
from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.content import ToolCall
from havuz_gateway.protocols.neutral.errors import cannot_say, unknown_type
from havuz_gateway.protocols.neutral.extensions import Dropped, kept, restored
from havuz_gateway.protocols.neutral.tools import (
    CustomTool,
    FunctionTool,
    ProviderTool,
    Tool,
    ToolChoice,
    WebSearchTool,
)
from havuz_gateway.protocols.openai_chat.wire import PROTOCOL, SPELLING


def read_tool(tool: Members) -> Tool:
    """One entry of `tools`."""
    kind = tool.needed_text("type")
    match kind:
        case "function":
            return _read_function(tool)
        case "custom":
            custom = tool.members("custom")
            if custom is None:
                raise tool.wrong("custom", None, "an object with a 'name'")
            read = CustomTool(
                custom.needed_text("name"),
                description=custom.text("description"),
                format=custom.mapping("format"),
            )
            _none_left(custom)
            return read
        case _:
            raise unknown_type(tool.at("type"), kind, PROTOCOL)


def _read_function(tool: Members) -> FunctionTool:
    function = tool.members("function")
    if function is None:
        raise tool.wrong("function", None, "an object with a 'name'")
    name = function.needed_text("name")
    description, parameters, strict = (
        function.text("description"),
        function.mapping("parameters"),
        function.flag("strict"),
    )
    if function.rest():
        tool.put_back("function", function.rest())
    return FunctionTool(
        name,
        description=description,
        parameters=parameters,
        strict=strict,
        extensions=kept(PROTOCOL, tool.rest()),
    )


def write_tool(tool: Tool, path: str, dropped: Dropped) -> dict[str, Any]:
    """One entry of `tools`; web search is no tool here but a request member."""
    match tool:
        case FunctionTool():
            return _write_function(tool, path, dropped)
        case CustomTool():
            custom = {"name": tool.name, "description": tool.description, "format": tool.format}
            return {"type": "custom", "custom": _present(custom)}
        case ProviderTool() | WebSearchTool():
            raise cannot_say(path, "a tool that only another provider runs", PROTOCOL)


def _write_function(tool: FunctionTool, path: str, dropped: Dropped) -> dict[str, Any]:
    dropped.foreign(tool.extensions, path)
    function = _present(
        {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
            "strict": tool.strict,
        }
    )
    if tool.cache is not None:
        dropped.note("cache_control")
    return restored(PROTOCOL, {"type": "function", "function": function}, tool.extensions, inner="function")


def read_choice(choice: Any, path: str) -> ToolChoice:
    """`tool_choice`, a word or an object."""
    match choice:
        case "auto" | "none" | "required":
            return ToolChoice(choice)
        case {"type": "function", "function": {"name": str() as name}} if len(choice) == 2:
            return ToolChoice("tool", name)
        case {"type": "custom", "custom": {"name": str() as name}} if len(choice) == 2:
            return ToolChoice("tool", name, extensions={SPELLING: {"type": "custom"}})
        case {
            "type": "allowed_tools",
            "allowed_tools": {"mode": "auto" | "required" as mode, "tools": list() as tools},
        }:
            return ToolChoice(mode, allowed=tuple(_allowed_name(tool, path) for tool in tools))
        case _:
            raise unknown_type(path, choice.get("type") if isinstance(choice, dict) else choice, PROTOCOL)


def _allowed_name(tool: Any, path: str) -> str:
    match tool:
        case {"type": "function", "function": {"name": str() as name}}:
            return name
        case _:
            raise unknown_type(f"{path}.allowed_tools.tools", tool, PROTOCOL)


def write_choice(choice: ToolChoice, custom: frozenset[str]) -> Any:
    """`tool_choice`. `custom` are the names of the custom tools."""
    if choice.mode == "tool":
        kind = "custom" if choice.name in custom or SPELLING in choice.extensions else "function"
        return {"type": kind, kind: {"name": choice.name}}
    if choice.allowed:
        tools = [{"type": "function", "function": {"name": name}} for name in choice.allowed]
        return {"type": "allowed_tools", "allowed_tools": {"mode": choice.mode, "tools": tools}}
    return choice.mode


def read_call(call: Members, fallback_id: str) -> ToolCall:
    """One entry of `tool_calls`. `fallback_id` serves where a server gave the call no id."""
    kind = call.text("type") or "function"
    call_id = call.text("id") or fallback_id
    index = call.take("index")  # of a stream, which some servers leave in a whole answer
    spelled = {} if index is None else {"index": index}
    signature = read_signature(call)
    match kind:
        case "function":
            function = call.members("function")
            if function is None:
                raise call.wrong("function", None, "an object with 'name' and 'arguments'")
            name, arguments = function.needed_text("name"), function.take("arguments")
            function.take("parsed_arguments")  # the same, as OpenAI's SDKs have read them and send them back
            _none_left(function)
            text = arguments if isinstance(arguments, str) else dump(arguments if arguments is not None else {})
            extensions = kept(PROTOCOL, call.rest(), spelled=spelled)
            return ToolCall(call_id, name, text, signature=signature, extensions=extensions)
        case "custom":
            custom = call.members("custom")
            if custom is None:
                raise call.wrong("custom", None, "an object with 'name' and 'input'")
            name, text = custom.needed_text("name"), custom.text("input") or ""
            return ToolCall(
                call_id, name, text, kind="custom", signature=signature, extensions=kept(PROTOCOL, call.rest())
            )
        case _:
            raise call.wrong("type", kind, "'function' or 'custom'")


def read_signature(call: Members) -> str | None:
    """Gemini's thought signature, where its OpenAI-compatible endpoint puts it."""
    match call.peek("extra_content"):
        case {"google": {"thought_signature": str() as signature, **inner}, **rest} if not inner and not rest:
            call.take("extra_content")
            return signature
        case _:
            return None


def write_signature(signature: str | None) -> dict[str, Any]:
    """The member that carries a thought signature, if there is one."""
    return {"extra_content": {"google": {"thought_signature": signature}}} if signature is not None else {}


def write_call(call: ToolCall) -> dict[str, Any]:
    """One entry of `tool_calls`."""
    if call.kind == "custom":
        spoken: dict[str, Any] = {"custom": {"name": call.name, "input": call.arguments}}
    else:
        spoken = {"function": {"name": call.name, "arguments": call.arguments}}
    members = {"id": call.id, "type": call.kind, **spoken, **write_signature(call.signature)}
    return restored(PROTOCOL, members, call.extensions)


def _present(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _none_left(members: Members) -> None:
    for name, value in members.rest().items():
        if value is not None:
            raise members.wrong(name, value, "left out: this member is not known")
