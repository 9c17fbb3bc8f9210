"""Tools and how free the model is to call them: https://ai.google.dev/api/caching#Tool.

One object of `tools` may hold many functions and several of Google's own tools; each is a tool of its own in the
neutral form, and `GROUPS` tells which stood together where that is not the usual way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from havuz_gateway.protocols.gemini.schema import json_schema
from havuz_gateway.protocols.gemini.wire import PROTOCOL, written
from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.content import CacheMark
from havuz_gateway.protocols.neutral.errors import cannot_say, unknown_type
from havuz_gateway.protocols.neutral.extensions import Dropped, Extensions, kept, spelling
from havuz_gateway.protocols.neutral.tools import (
    CustomTool,
    FunctionTool,
    ProviderTool,
    Tool,
    ToolChoice,
    WebSearchTool,
)

GROUPS = spelling(f"{PROTOCOL}.tools")
_OLD_SEARCH = spelling(f"{PROTOCOL}.search")  # the name of search with Gemini 1.5
_OWN_TOOLS = frozenset(
    {
        "codeExecution", "urlContext", "fileSearch", "googleMaps", "computerUse", "retrieval", "enterpriseWebSearch",
        "mcpServers", "parallelAiSearch", "exaAiSearch",
    }
)  # fmt: skip


def read_tools(objects: list[Members]) -> tuple[tuple[Tool, ...], Extensions]:
    """The tools of `tools`, and how they were grouped where that is not how `write_tools` does it."""
    tools: list[Tool] = []
    groups: list[int] = []
    for number, found in enumerate(objects):
        read = _read_object(found)
        tools += read
        groups += [number] * len(read)
    usual = groups == _usual_groups(tools) and len(set(groups)) == len(objects)
    return tuple(tools), {} if usual else {GROUPS: {"groups": groups, "objects": len(objects)}}


def _read_object(found: Members) -> list[Tool]:
    tools: list[Tool] = []
    for name in list(found.rest()):
        match name:
            case "functionDeclarations":
                tools += [_read_function(function) for function in found.each(name)]
            case "googleSearch" | "googleSearchRetrieval":
                inner = found.members(name)
                if inner is not None:
                    old: Extensions = {_OLD_SEARCH: {}} if name == "googleSearchRetrieval" else {}
                    tools.append(WebSearchTool(extensions={**kept(PROTOCOL, inner.rest()), **old}))
            case _ if name in _OWN_TOOLS:
                own = found.take(name)
                if own is not None:
                    tools.append(ProviderTool(PROTOCOL, {name: own}))
            case _:
                raise unknown_type(found.at(name), name, PROTOCOL)
    return tools


def _read_function(function: Members) -> FunctionTool:
    name, description = function.needed_text("name"), function.text("description")
    parameters: Mapping[str, Any] | None = function.mapping("parametersJsonSchema")
    spelled: dict[str, Any] = {}
    if parameters is None:
        own = function.mapping("parameters")
        if own is not None:
            parameters, spelled = json_schema(own), {"parameters": own, "parametersJsonSchema": None}
    extensions = kept(PROTOCOL, function.rest(), spelled=spelled)
    return FunctionTool(name, description=description, parameters=parameters, extensions=extensions)


def _usual_groups(tools: Sequence[Tool]) -> list[int]:
    """All functions together, where the first of them stands; every other tool by itself."""
    groups: list[int] = []
    functions: int | None = None
    for tool in tools:
        number = max(groups, default=-1) + 1
        if isinstance(tool, FunctionTool):
            functions = number if functions is None else functions
            number = functions
        groups.append(number)
    return groups


def write_tools(tools: Sequence[Tool], extensions: Extensions, dropped: Dropped) -> list[dict[str, Any]]:
    """`tools`. Raises `CannotExpress`."""
    grouping = extensions.get(GROUPS, {})
    known = len(grouping.get("groups", ())) == len(tools)
    groups = list(grouping["groups"]) if grouping and known else _usual_groups(tools)
    size = max([*groups, grouping.get("objects", 0) - 1 if known else -1], default=-1) + 1
    objects: list[dict[str, Any]] = [{} for _ in range(size)]
    for index, (tool, group) in enumerate(zip(tools, groups, strict=True)):
        name, wire = _write_tool(tool, f"tools[{index}]", dropped)
        if name == "functionDeclarations":
            objects[group].setdefault(name, []).append(wire)
        else:
            objects[group][name] = wire
    return objects


def _write_tool(tool: Tool, path: str, dropped: Dropped) -> tuple[str, Any]:
    match tool:
        case FunctionTool():
            return "functionDeclarations", _write_function(tool, path, dropped)
        case WebSearchTool():
            return _write_search(tool, dropped)
        case ProviderTool(protocol=protocol, wire=wire) if protocol == PROTOCOL:
            return next(iter(wire.items()))
        case CustomTool() | ProviderTool():
            raise cannot_say(path, "a tool of a kind that only another provider has", PROTOCOL)


def _write_function(tool: FunctionTool, path: str, dropped: Dropped) -> dict[str, Any]:
    dropped.foreign(tool.extensions, path)
    if tool.strict:
        dropped.note(f"{path}.strict")
    _note_mark(tool.cache, dropped)
    members = {"name": tool.name, "description": tool.description, "parametersJsonSchema": tool.parameters}
    present = {name: value for name, value in members.items() if value is not None}
    return written(present, tool.extensions)


def _write_search(tool: WebSearchTool, dropped: Dropped) -> tuple[str, Any]:
    """Google decides by itself what to search and where; Gemini's API takes nothing of it from others."""
    dropped.foreign(tool.extensions, "web_search")
    _note_mark(tool.cache, dropped)
    for name, word in (
        ("max_uses", "max_uses"), ("allowed_domains", "allowed_domains"), ("blocked_domains", "blocked_domains"),
        ("context_size", "search_context_size"), ("location", "user_location"),
    ):  # fmt: skip
        if getattr(tool, name):
            dropped.note(f"web_search.{word}")
    name = "googleSearchRetrieval" if _OLD_SEARCH in tool.extensions else "googleSearch"
    return name, written({}, tool.extensions)


def _note_mark(mark: CacheMark | None, dropped: Dropped) -> None:
    if mark is not None:
        dropped.note("cache_control")


def read_choice(config: Members) -> ToolChoice | None:
    """`functionCallingConfig`; None where it leaves the mode to Google."""
    mode, allowed = config.text("mode"), config.texts("allowedFunctionNames") or ()
    if mode is None:
        return None
    match mode.upper():
        case "AUTO" | "VALIDATED" | "MODE_UNSPECIFIED":
            choice = ToolChoice("auto", allowed=allowed)
        case "NONE":
            choice = ToolChoice("none", allowed=allowed)
        case "ANY" if len(allowed) == 1:
            choice = ToolChoice("tool", allowed[0])
        case "ANY":
            choice = ToolChoice("required", allowed=allowed)
        case _:
            raise unknown_type(config.at("mode"), mode, PROTOCOL)
    spelled = {} if write_choice(choice)["mode"] == mode else {"mode": mode}
    return replace(choice, extensions=kept(PROTOCOL, config.rest(), spelled=spelled))


def write_choice(choice: ToolChoice) -> dict[str, Any]:
    """`functionCallingConfig`. Some functions are allowed by ANY, or by VALIDATED where none need be called."""
    match choice.mode:
        case "none":
            members: dict[str, Any] = {"mode": "NONE"}
        case "auto":
            members = {"mode": "VALIDATED" if choice.allowed else "AUTO"}
        case "required":
            members = {"mode": "ANY"}
        case "tool":
            members = {"mode": "ANY", "allowedFunctionNames": [choice.name]}
    if choice.allowed:
        members["allowedFunctionNames"] = list(choice.allowed)
    return written(members, choice.extensions)
