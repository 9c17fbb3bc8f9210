"""The account: who it is of, on which plan, where its keys work, and within which limits."""

from typing import Any

from havuz_contract.snapshot.models import Limits
from havuz_gateway.surfaces.pages.answers import Answer, Page, Visit

_LIMITS = ("requests_per_minute", "tokens_per_minute", "concurrency", "max_tokens_per_request", "spend_per_day")


async def account(visit: Visit) -> Answer:
    """What is agreed with the customer."""
    identity = visit.identity
    project = identity.project
    values: dict[str, Any] = {
        "project": project,
        "key": identity.key,
        "billing": project.billing,
        "limits": _limits(visit, project.limits),
        "key_limits": _limits(visit, identity.key.limits),
    }
    return Page("account.html", values)


def _limits(visit: Visit, limits: Limits) -> list[tuple[str, str]]:
    """Those that are set, by name."""
    shown = []
    for name in _LIMITS:
        value: int | None = getattr(limits, name)
        if value is None:
            continue
        unit = visit.identity.project.billing.unit
        shown.append(
            (name, visit.formats.exact(value, unit) if name == "spend_per_day" else visit.formats.number(value))
        )
    return shown
