"""A request for an answer, in the words of no protocol."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, field
from typing import Any, Literal

from havuz_gateway.protocols.neutral.content import CacheMark, Content
from havuz_gateway.protocols.neutral.extensions import Extensions
from havuz_gateway.protocols.neutral.tools import Tool, ToolChoice
from havuz_gateway.values import frozen

Role = Literal["system", "developer", "user", "assistant", "tool"]


@frozen
class Message:
    """One message. Tool results stand in messages of the role tool or user, as they came; instructions anywhere.

    `apart`: it came beside the messages, not among them (`system`, `instructions`), and is the first here.
    `place`: where it stood in the client's request, if that is no `messages[n]`; for complaints alone.
    """

    role: Role
    content: Content
    _: KW_ONLY
    name: str | None = None
    apart: bool = False
    place: str | None = field(default=None, compare=False)
    extensions: Extensions = field(default_factory=dict)


def paths(messages: Sequence[Message]) -> list[str]:
    """Where each message stood in the client's request, for complaints."""
    number = 0
    found: list[str] = []
    for message in messages:
        found.append(message.place or ("system" if message.apart else f"messages[{number}]"))
        number += not message.apart
    return found


@frozen
class Reasoning:
    """How much the model should think before it answers. None leaves a matter to the provider.

    `mode`: on, off, auto (the model decides), between_tools. `effort`: none, minimal, low, medium, high, xhigh, max.
    `budget` is in tokens. `summary` says how thinking is shown: omitted, auto, concise, detailed, summarized.
    """

    _: KW_ONLY
    mode: Literal["on", "off", "auto", "between_tools"] | None = None
    effort: str | None = None
    budget: int | None = None
    summary: str | None = None
    extensions: Extensions = field(default_factory=dict)


@frozen
class OutputFormat:
    """The form of the answer's text. `schema` is a JSON schema where `kind` is json_schema."""

    kind: Literal["text", "json", "json_schema"]
    _: KW_ONLY
    name: str | None = None
    description: str | None = None
    schema: Mapping[str, Any] | None = None
    strict: bool | None = None
    extensions: Extensions = field(default_factory=dict)


@frozen
class ChatRequest:
    """One request. None means that the client left it to the provider. `output_limit` is tokens, thinking included."""

    model: str
    messages: tuple[Message, ...]
    _: KW_ONLY
    stream: bool | None = None
    include_usage: bool | None = None
    output_limit: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    n: int | None = None
    stop: tuple[str, ...] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    tools: tuple[Tool, ...] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    output_format: OutputFormat | None = None
    reasoning: Reasoning | None = None
    verbosity: str | None = None
    modalities: tuple[str, ...] | None = None
    service_tier: str | None = None
    user: str | None = None
    safety_identifier: str | None = None
    metadata: Mapping[str, Any] | None = None
    cache: CacheMark | None = None
    cache_key: str | None = None
    store: bool | None = None
    previous_response_id: str | None = None
    extensions: Extensions = field(default_factory=dict)
