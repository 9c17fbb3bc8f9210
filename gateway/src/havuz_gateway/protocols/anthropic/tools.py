"""Tools and tool choices of Messages."""

import re
from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.anthropic.wire import PROTOCOL, read_cache, write_cache
from havuz_gateway.protocols.members import Members
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

_WEB_SEARCH = "web_search_20250305"  # the version that every model knows
# Documented tools that only this protocol has, by the front of their dated types.
_OWN_TOOLS = (
    "advisor_", "bash_", "browser_", "code_execution_", "computer_", "mcp_toolset", "memory_", "text_editor_",
    "tool_search_tool_", "web_fetch_",
)  # fmt: skip
_NO_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}}
_FOREIGN_TO_IDS = re.compile(r"[^a-zA-Z0-9_-]")


def read_tool(tool: Members) -> Tool:
    """One entry of `tools`."""
    kind = tool.text("type")
    spelled = {} if kind is None else {"type": kind}
    match kind:
        case None | "custom":
            mark = read_cache(tool)
            name, description = tool.needed_text("name"), tool.text("description")
            parameters, strict = tool.mapping("input_schema"), tool.flag("strict")
            return FunctionTool(
                name,
                description=description,
                parameters=parameters,
                strict=strict,
                cache=mark,
                extensions=kept(PROTOCOL, tool.rest(), spelled=spelled),
            )
        case _ if kind.startswith("web_search_"):
            return _read_web_search(tool, kind)
        case _ if kind.startswith(_OWN_TOOLS):
            return ProviderTool(PROTOCOL, {"type": kind, **tool.rest()})
        case _:
            raise unknown_type(tool.at("type"), kind, PROTOCOL)


def _read_web_search(tool: Members, kind: str) -> WebSearchTool:
    mark, name = read_cache(tool), tool.text("name")
    spelled = {} if kind == _WEB_SEARCH else {"type": kind}
    if name not in (None, "web_search"):
        tool.put_back("name", name)
    location: dict[str, str] | None = None
    match tool.peek("user_location"):
        case {"type": "approximate"} as place:
            tool.take("user_location")
            location = {name: value for name, value in place.items() if name != "type"}
        case _:
            pass
    return WebSearchTool(
        max_uses=tool.whole("max_uses"),
        allowed_domains=tool.texts("allowed_domains") or (),
        blocked_domains=tool.texts("blocked_domains") or (),
        location=location,
        cache=mark,
        extensions=kept(PROTOCOL, tool.rest(), spelled=spelled),
    )


def write_tool(tool: Tool, path: str, dropped: Dropped) -> dict[str, Any]:
    """One entry of `tools`. Raises `CannotExpress`."""
    match tool:
        case FunctionTool():
            dropped.foreign(tool.extensions, path)
            members = {
                "name": tool.name,
                "description": tool.description,
                "input_schema": _NO_PARAMETERS if tool.parameters is None else _object(tool.parameters),
                "strict": tool.strict,
            }
            present = {name: value for name, value in members.items() if value is not None}
            return restored(PROTOCOL, {**present, **write_cache(tool.cache)}, tool.extensions)
        case WebSearchTool():
            return _write_web_search(tool, dropped)
        case ProviderTool(protocol=protocol) if protocol == PROTOCOL:
            return dict(tool.wire)
        case CustomTool() | ProviderTool():
            raise cannot_say(path, "a tool of a kind that only another provider has", PROTOCOL)


def _object(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Anthropic wants the type said, which other providers take for granted."""
    return schema if "type" in schema else {"type": "object", **schema}


def _write_web_search(tool: WebSearchTool, dropped: Dropped) -> dict[str, Any]:
    dropped.foreign(tool.extensions, "web_search")
    if tool.context_size is not None:
        dropped.note("web_search.search_context_size")
    members: dict[str, Any] = {"type": _WEB_SEARCH, "name": "web_search"}
    if tool.max_uses is not None:
        members["max_uses"] = tool.max_uses
    if tool.allowed_domains:
        members["allowed_domains"] = list(tool.allowed_domains)
    if tool.blocked_domains:
        members["blocked_domains"] = list(tool.blocked_domains)
    if tool.location is not None:
        members["user_location"] = {"type": "approximate", **tool.location}
    members |= write_cache(tool.cache)
    return restored(PROTOCOL, members, tool.extensions)


def read_choice(choice: Members) -> tuple[ToolChoice, bool | None]:
    """`tool_choice`, and whether calls may be parallel, which stands in it."""
    kind = choice.needed_text("type")
    serial = choice.flag("disable_parallel_tool_use")
    parallel = None if serial is None else not serial
    match kind:
        case "auto" | "none":
            return ToolChoice(kind, extensions=kept(PROTOCOL, choice.rest())), parallel
        case "any":
            return ToolChoice("required", extensions=kept(PROTOCOL, choice.rest())), parallel
        case "tool":
            name = choice.needed_text("name")
            return ToolChoice("tool", name, extensions=kept(PROTOCOL, choice.rest())), parallel
        case _:
            raise unknown_type(choice.at("type"), kind, PROTOCOL)


def write_choice(choice: ToolChoice | None, parallel: bool | None) -> dict[str, Any] | None:
    """`tool_choice`; None where both are left to the provider."""
    if choice is None:
        return None if parallel is not False else {"type": "auto", "disable_parallel_tool_use": True}
    match choice.mode:
        case "none":
            return restored(PROTOCOL, {"type": "none"}, choice.extensions)
        case "auto":
            members: dict[str, Any] = {"type": "auto"}
        case "required":
            members = {"type": "any"}
        case "tool":
            members = {"type": "tool", "name": choice.name}
    if parallel is not None:
        members["disable_parallel_tool_use"] = not parallel
    return restored(PROTOCOL, members, choice.extensions)


def call_id(value: str) -> str:
    """An id that Anthropic takes: it allows letters, digits, `_` and `-` only, others' ids hold dots and colons."""
    return _FOREIGN_TO_IDS.sub("_", value) or "_"
