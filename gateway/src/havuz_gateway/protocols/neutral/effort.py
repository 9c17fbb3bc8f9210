"""How much to think: words and token budgets, one table for all protocols.

The budgets follow the order of magnitude that providers document for their own words; a budget that came from a word
gives that word back.
"""

from havuz_gateway.protocols.neutral.request import Reasoning

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_BUDGETS = {"none": 0, "minimal": 1_024, "low": 2_048, "medium": 8_192, "high": 24_576, "xhigh": 32_768, "max": 65_536}


def asked_effort(reasoning: Reasoning) -> str | None:
    """The word for how much a client wants to be thought, None where it did not say."""
    if reasoning.mode == "off":
        return "none"
    if reasoning.effort is not None:
        return reasoning.effort
    return effort_of(reasoning.budget) if reasoning.budget is not None else None


def budget_of(effort: str) -> int | None:
    """The tokens that stand for a word, None for a word that is not in the table."""
    return _BUDGETS.get(effort)


def effort_of(budget: int) -> str:
    """The largest word whose budget does not exceed `budget`; a negative one lets the model decide: medium."""
    if budget < 0:
        return "medium"
    if budget == 0:
        return "none"
    fitting = [effort for effort in EFFORTS[1:] if _BUDGETS[effort] <= budget]
    return fitting[-1] if fitting else "minimal"


def nearest_effort(effort: str, allowed: tuple[str, ...]) -> str | None:
    """`effort` itself, or the allowed word closest to it (the smaller of two), or None where none is allowed."""
    if effort in allowed or effort not in EFFORTS:
        return effort if effort in allowed else None
    rank = EFFORTS.index(effort)
    known = [word for word in allowed if word in EFFORTS and word != "none"]
    return min(known, key=lambda word: (abs(EFFORTS.index(word) - rank), EFFORTS.index(word)), default=None)
