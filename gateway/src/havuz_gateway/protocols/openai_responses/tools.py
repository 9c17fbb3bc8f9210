"""Tools and tool choices of Responses: https://platform.openai.com/docs/guides/tools."""

from collections.abc import Mapping
from typing import Any

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
from havuz_gateway.protocols.openai_responses.wire import PROTOCOL, REQUIRED, SPELLING, present

_WEB_SEARCH = "web_search"
_CALLABLE = ("function", "custom")


def read_tool(tool: Members) -> Tool:
    """One entry of `tools`. One that only this protocol has is kept as it is."""
    kind = tool.needed_text("type")
    match kind:
        case "function":
            name, description = tool.needed_text("name"), tool.text("description")
            parameters, strict = tool.mapping("parameters"), tool.flag("strict")
            default = _unsaid(parameters, strict)
            return FunctionTool(
                name, description=description, parameters=parameters, strict=strict,
                extensions=kept(PROTOCOL, tool.rest(), default=default),
            )  # fmt: skip
        case "custom":
            return CustomTool(
                tool.needed_text("name"),
                description=tool.text("description"),
                format=_read_format(tool.mapping("format")),
                extensions=kept(PROTOCOL, tool.rest()),
            )
        case _ if kind.startswith(_WEB_SEARCH):
            return _read_web_search(tool, kind)
        case _:
            return ProviderTool(PROTOCOL, {"type": kind, **tool.rest()})


def _unsaid(parameters: Any, strict: bool | None) -> dict[str, Any]:
    """What is sent where a client of another protocol said nothing: here alone, strict is the default."""
    return {
        **({} if parameters is not None else {"parameters": None}),
        **({} if strict is not None else {"strict": False}),
    }


def _read_format(wire: dict[str, Any] | None) -> dict[str, Any] | None:
    """A grammar stands under its name in the neutral form, as in Chat Completions."""
    match wire:
        case {"type": "grammar", **grammar}:
            return {"type": "grammar", "grammar": grammar}
        case _:
            return wire


def _write_format(wanted: Mapping[str, Any] | None) -> dict[str, Any] | None:
    match wanted:
        case None:
            return None
        case {"type": "grammar", "grammar": Mapping() as grammar}:
            return {"type": "grammar", **grammar}
        case _:
            return dict(wanted)


def _read_web_search(tool: Members, kind: str) -> WebSearchTool:
    location: dict[str, str] | None = None
    match tool.peek("user_location"):
        case {"type": "approximate"} as place if all(isinstance(value, str) for value in place.values()):
            tool.take("user_location")
            location = {name: value for name, value in place.items() if name != "type"}
        case _:
            pass
    domains: tuple[str, ...] = ()
    filters = tool.members("filters")
    if filters is not None:
        domains = filters.texts("allowed_domains") or ()
        if filters.rest() or not domains:
            tool.put_back("filters", {**filters.rest(), **({} if domains else {"allowed_domains": []})})
    return WebSearchTool(
        allowed_domains=domains,
        context_size=tool.text("search_context_size"),
        location=location,
        extensions=kept(PROTOCOL, tool.rest(), spelled={} if kind == _WEB_SEARCH else {"type": kind}),
    )


def write_tool(tool: Tool, path: str, dropped: Dropped) -> dict[str, Any]:
    """One entry of `tools`. Raises `CannotExpress`."""
    match tool:
        case FunctionTool():
            dropped.foreign(tool.extensions, path)
            if tool.cache is not None:
                dropped.note("cache_control")
            members = {
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
                "strict": tool.strict,
            }
            default = _unsaid(tool.parameters, tool.strict)
            return restored(PROTOCOL, present(members), tool.extensions, default=default)
        case CustomTool():
            dropped.foreign(tool.extensions, path)
            described = {"description": tool.description, "format": _write_format(tool.format)}
            return restored(PROTOCOL, {"type": "custom", "name": tool.name, **present(described)}, tool.extensions)
        case WebSearchTool():
            return _write_web_search(tool, dropped)
        case ProviderTool(protocol=protocol) if protocol == PROTOCOL:
            return dict(tool.wire)
        case ProviderTool():
            raise cannot_say(path, "a tool of a kind that only another provider has", PROTOCOL)


def _write_web_search(tool: WebSearchTool, dropped: Dropped) -> dict[str, Any]:
    dropped.foreign(tool.extensions, "web_search")
    for name in ("max_uses", "blocked_domains"):
        if getattr(tool, name):
            dropped.note(f"web_search.{name}")
    if tool.cache is not None:
        dropped.note("cache_control")
    members: dict[str, Any] = {"type": _WEB_SEARCH}
    if tool.allowed_domains:
        members["filters"] = {"allowed_domains": list(tool.allowed_domains)}
    if tool.context_size is not None:
        members["search_context_size"] = tool.context_size
    if tool.location is not None:
        members["user_location"] = {"type": "approximate", **tool.location}
    return restored(PROTOCOL, members, tool.extensions, inner="filters" if tool.allowed_domains else None)


def read_choice(choice: Any, path: str) -> ToolChoice:
    """`tool_choice`, a word or an object. The tool of a provider cannot be chosen from another."""
    match choice:
        case "auto" | "none" | "required":
            return ToolChoice(choice)
        case {"type": "function", "name": str() as name} if len(choice) == 2:
            return ToolChoice("tool", name)
        case {"type": "custom", "name": str() as name} if len(choice) == 2:
            return ToolChoice("tool", name, extensions={SPELLING: {"type": "custom"}})
        case {"type": "allowed_tools", "tools": list() as tools}:
            return _read_allowed(choice, tools, path)
        case {"type": str() as kind}:
            return ToolChoice("required", extensions={REQUIRED: {"type": kind}, SPELLING: {"choice": choice}})
        case _:
            raise unknown_type(path, choice, PROTOCOL)


def _read_allowed(choice: dict[str, Any], tools: list[Any], path: str) -> ToolChoice:
    mode = choice.get("mode", "auto")
    if mode not in ("auto", "required"):
        raise unknown_type(f"{path}.mode", mode, PROTOCOL)
    names = tuple(
        tool["name"] for tool in tools if isinstance(tool, dict) and isinstance(tool.get("name"), str)
        and tool.get("type") in _CALLABLE
    )  # fmt: skip
    read = ToolChoice(mode, allowed=names)
    if write_choice(read, frozenset()) == choice:
        return read
    return ToolChoice(mode, allowed=names, extensions={SPELLING: {"choice": choice}})


def write_choice(choice: ToolChoice, custom: frozenset[str]) -> Any:
    """`tool_choice`. `custom` are the names of the custom tools."""
    spelled = choice.extensions.get(SPELLING, {})
    if "choice" in spelled:
        return spelled["choice"]
    if choice.mode == "tool":
        kind = "custom" if choice.name in custom or "type" in spelled else "function"
        return {"type": kind, "name": choice.name}
    if choice.allowed:
        tools = [{"type": "custom" if name in custom else "function", "name": name} for name in choice.allowed]
        return {"type": "allowed_tools", "mode": choice.mode, "tools": tools}
    return choice.mode
