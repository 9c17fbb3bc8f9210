"""Tools a model may call, and how free it is to call them."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, field
from typing import Any, Literal

from havuz_gateway.protocols.neutral.content import CacheMark
from havuz_gateway.protocols.neutral.extensions import Extensions
from havuz_gateway.values import frozen


@frozen
class FunctionTool:
    """A tool whose arguments are JSON. `parameters` is a JSON schema; None takes nothing."""

    name: str
    _: KW_ONLY
    description: str | None = None
    parameters: Mapping[str, Any] | None = None
    strict: bool | None = None
    cache: CacheMark | None = None
    extensions: Extensions = field(default_factory=dict)


@frozen
class CustomTool:
    """A tool whose input is free text, of a `format` in OpenAI's words where one is given."""

    name: str
    _: KW_ONLY
    description: str | None = None
    format: Mapping[str, Any] | None = None
    extensions: Extensions = field(default_factory=dict)


@frozen
class WebSearchTool:
    """Search of the web, done by the provider. `context_size` is low, medium or high; `location` is approximate."""

    _: KW_ONLY
    max_uses: int | None = None
    allowed_domains: tuple[str, ...] = ()
    blocked_domains: tuple[str, ...] = ()
    context_size: str | None = None
    location: Mapping[str, str] | None = None
    cache: CacheMark | None = None
    extensions: Extensions = field(default_factory=dict)


@frozen
class ProviderTool:
    """A documented tool that only one protocol has, as it came."""

    protocol: str
    wire: Mapping[str, Any]


Tool = FunctionTool | CustomTool | WebSearchTool | ProviderTool


@frozen
class ToolChoice:
    """How free the model is. With `tool`, `name` must be called; `allowed` narrows auto and required to some tools."""

    mode: Literal["auto", "none", "required", "tool"]
    name: str | None = None
    _: KW_ONLY
    allowed: tuple[str, ...] = ()
    extensions: Extensions = field(default_factory=dict)
