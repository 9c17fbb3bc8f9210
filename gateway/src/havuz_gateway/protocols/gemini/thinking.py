"""How much to think: `thinkingConfig`, both ways. https://ai.google.dev/gemini-api/docs/thinking

Gemini 3 thinks by level and can't be told not to think at all; Gemini 2.5 thinks by budget, of which 0 is none (not
for 2.5 Pro) and -1 leaves it to the model. Thoughts are shown to whoever asked for thinking, unless they are not
wanted.
"""

from typing import Any

from havuz_gateway.protocols.codec import Quirks
from havuz_gateway.protocols.gemini.wire import PROTOCOL, SPELLING, written
from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.effort import budget_of, effort_of, nearest_effort
from havuz_gateway.protocols.neutral.extensions import Dropped, kept
from havuz_gateway.protocols.neutral.request import Reasoning

_LEVELS = ("minimal", "low", "medium", "high")
_DYNAMIC = -1
_BUDGETS = {"budget": (512, 24_576), "always": (128, 32_768)}  # what all models of the kind take


def read_reasoning(config: Members) -> Reasoning:
    """`thinkingConfig`. Its entry in the extensions says: as it came."""
    shown, budget, level = config.flag("includeThoughts"), config.whole("thinkingBudget"), config.text("thinkingLevel")
    known = level is not None and level.upper() != "THINKING_LEVEL_UNSPECIFIED"
    own = kept(PROTOCOL, config.rest(), spelled={"thinkingLevel": level} if level and not level.isupper() else {})
    if not known and level is not None:
        own = {**own, SPELLING: {"thinkingLevel": level}}
    return Reasoning(
        mode=_mode(budget),
        effort=level.lower() if level is not None and known else None,
        budget=budget,
        summary=None if shown is None else "auto" if shown else "omitted",
        extensions={PROTOCOL: {}, **own},
    )


def _mode(budget: int | None) -> Any:
    match budget:
        case None:
            return None
        case 0:
            return "off"
        case _:
            return "auto" if budget < 0 else "on"


def write_reasoning(reasoning: Reasoning, quirks: Quirks, dropped: Dropped) -> dict[str, Any]:
    """`thinkingConfig`, empty where there is nothing to say. What the model does not do is named."""
    if PROTOCOL in reasoning.extensions:
        return _as_it_came(reasoning)
    dropped.foreign(reasoning.extensions, "reasoning")
    if quirks.gemini_thinking == "none" or quirks.efforts == ():
        dropped.note("reasoning_effort")
        return {}
    off = reasoning.mode == "off" or reasoning.effort == "none" or reasoning.budget == 0
    amount = _level(reasoning, quirks) if quirks.gemini_thinking == "level" else _budget(reasoning, quirks, off=off)
    if off:
        if amount.get("thinkingBudget") != 0:
            dropped.note("reasoning_effort")  # it thinks as little as it can, which is not nothing
        return amount
    return {"includeThoughts": reasoning.summary != "omitted", **amount}


def _as_it_came(reasoning: Reasoning) -> dict[str, Any]:
    members: dict[str, Any] = {}
    if reasoning.summary is not None:
        members["includeThoughts"] = reasoning.summary != "omitted"
    if reasoning.budget is not None:
        members["thinkingBudget"] = reasoning.budget
    if reasoning.effort is not None:
        members["thinkingLevel"] = reasoning.effort.upper()
    return written(members, reasoning.extensions)


def _level(reasoning: Reasoning, quirks: Quirks) -> dict[str, Any]:
    wanted = reasoning.effort
    if wanted is None and reasoning.budget is not None and reasoning.budget >= 0:
        wanted = effort_of(reasoning.budget)
    if reasoning.mode == "off":
        wanted = "none"
    if wanted is None:
        return {}
    level = nearest_effort(wanted, tuple(effort for effort in quirks.efforts or _LEVELS if effort != "none"))
    return {} if level is None else {"thinkingLevel": level.upper()}


def _budget(reasoning: Reasoning, quirks: Quirks, *, off: bool) -> dict[str, Any]:
    least, most = _BUDGETS[quirks.gemini_thinking]
    if off:
        return {"thinkingBudget": 0 if quirks.gemini_thinking == "budget" else least}
    wanted = reasoning.budget
    if wanted is None and reasoning.effort is not None:
        wanted = budget_of(reasoning.effort)
    if wanted is None or wanted < 0:
        return {"thinkingBudget": _DYNAMIC}
    return {"thinkingBudget": min(max(wanted, least), most)}
