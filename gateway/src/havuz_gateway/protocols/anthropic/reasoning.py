"""How much to think: `thinking` and `output_config.effort`, both ways.

https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking
"""

from dataclasses import dataclass, field
from typing import Any

from havuz_gateway.protocols.anthropic.wire import PROTOCOL
from havuz_gateway.protocols.codec import Quirks
from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.content import Thinking, ToolCall, ToolResult, parts_of
from havuz_gateway.protocols.neutral.effort import budget_of, effort_of, nearest_effort
from havuz_gateway.protocols.neutral.errors import unknown_type
from havuz_gateway.protocols.neutral.extensions import Dropped
from havuz_gateway.protocols.neutral.request import ChatRequest, Message, Reasoning

_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_LEAST_BUDGET = 1_024
_LEAST_ANSWER = 1_024  # tokens that thinking leaves for the answer, where both share the client's limit


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes into the body. `thinks` says that sampling is not the client's any more."""

    members: dict[str, Any] = field(default_factory=dict)
    effort: str | None = None
    limit: int | None = None
    thinks: bool = False


def read_reasoning(fields: Members, effort: str | None) -> Reasoning | None:
    """`thinking` with the effort that stands in `output_config`. Its entry in the extensions says: as it came.

    Models that always think take settings of it without a type.
    """
    thinking = fields.members("thinking")
    if thinking is None:
        return None if effort is None else Reasoning(effort=effort, extensions={PROTOCOL: {}})
    kind = thinking.text("type")
    budget, display = thinking.whole("budget_tokens"), thinking.text("display")
    own = {PROTOCOL: thinking.rest()}
    match kind:
        case "enabled":
            return Reasoning(mode="on", effort=effort, budget=budget, summary=display, extensions=own)
        case "adaptive":
            return Reasoning(mode="auto", effort=effort, budget=budget, summary=display, extensions=own)
        case "disabled":
            return Reasoning(mode="off", effort=effort, budget=budget, summary=display, extensions=own)
        case "between_tools":
            return Reasoning(mode="between_tools", effort=effort, budget=budget, summary=display, extensions=own)
        case None:
            return Reasoning(effort=effort, budget=budget, summary=display, extensions=own)
        case _:
            raise unknown_type("thinking.type", kind, PROTOCOL)


def plan_reasoning(request: ChatRequest, quirks: Quirks, dropped: Dropped) -> Plan:
    """What to say of reasoning. Where it cannot be had beside something firmer (a forced tool), it is named."""
    reasoning = request.reasoning
    if reasoning is None:
        return Plan()
    if PROTOCOL in reasoning.extensions:
        return _as_it_came(reasoning)
    dropped.foreign(reasoning.extensions, "reasoning")
    if reasoning.mode == "off" or reasoning.effort == "none" or reasoning.budget == 0:
        return _off(quirks, dropped)
    if request.tool_choice is not None and request.tool_choice.mode in ("required", "tool"):
        dropped.note("reasoning_effort")  # forced calls and thinking exclude each other
        return Plan()
    if quirks.thinking == "adaptive":
        return _adaptive(reasoning, quirks)
    plan = None if _loop_without_thinking(request.messages) else _budgeted(reasoning, request.output_limit, quirks)
    if plan is None:
        dropped.note("reasoning_effort")
        return Plan()
    return plan


def _off(quirks: Quirks, dropped: Dropped) -> Plan:
    match quirks.thinking_off:
        case "omitted":
            return Plan()
        case "effort":
            dropped.note("reasoning_effort")
            return Plan(effort=_EFFORTS[0], thinks=True)
        case kind:
            return Plan({"thinking": {"type": kind}})


def _as_it_came(reasoning: Reasoning) -> Plan:
    kinds = {"on": "enabled", "auto": "adaptive", "off": "disabled", "between_tools": "between_tools"}
    thinking: dict[str, Any] = {} if reasoning.mode is None else {"type": kinds[reasoning.mode]}
    if reasoning.budget is not None:
        thinking["budget_tokens"] = reasoning.budget
    if reasoning.summary is not None:
        thinking["display"] = reasoning.summary
    thinking |= reasoning.extensions[PROTOCOL]
    return Plan({"thinking": thinking} if thinking else {}, effort=reasoning.effort)


def _display(reasoning: Reasoning) -> dict[str, str]:
    if reasoning.summary is None:
        return {}
    return {"display": "omitted" if reasoning.summary == "omitted" else "summarized"}


def _adaptive(reasoning: Reasoning, quirks: Quirks) -> Plan:
    wanted = reasoning.effort
    if wanted is None and reasoning.budget is not None and reasoning.budget > 0:
        wanted = effort_of(reasoning.budget)
    effort = None if wanted is None else nearest_effort(wanted, quirks.efforts or _EFFORTS)
    return Plan({"thinking": {"type": "adaptive", **_display(reasoning)}}, effort=effort, thinks=True)


def _budgeted(reasoning: Reasoning, limit: int | None, quirks: Quirks) -> Plan | None:
    """Thinking counts towards `max_tokens` here: without a client's limit it comes on top of the route's default."""
    budget = reasoning.budget if reasoning.budget is not None and reasoning.budget > 0 else None
    wanted = budget or budget_of(reasoning.effort or "medium") or _LEAST_BUDGET
    wanted = max(wanted, _LEAST_BUDGET)
    if limit is None:
        limit = wanted + quirks.output_limit
    else:
        wanted = min(wanted, limit - _LEAST_ANSWER)
        if wanted < _LEAST_BUDGET:
            return None
    thinking = {"type": "enabled", "budget_tokens": wanted, **_display(reasoning)}
    return Plan({"thinking": thinking}, limit=limit, thinks=True)


def _loop_without_thinking(messages: tuple[Message, ...]) -> bool:
    """Whether the turn under way called tools without its signed thinking, which budgeted models then refuse."""
    for message in reversed(messages):
        parts = parts_of(message.content)
        if message.role == "assistant":
            signed = any(isinstance(part, Thinking) and part.origin == PROTOCOL for part in parts)
            return any(isinstance(part, ToolCall) for part in parts) and not signed
        if not any(isinstance(part, ToolResult) for part in parts):
            return False
    return False
