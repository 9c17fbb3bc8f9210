"""The pictures that were ordered: how far each task is, what it cost, and the pictures themselves."""

import re
from dataclasses import dataclass
from typing import Any

from havuz_gateway.pipeline.orders import links_of
from havuz_gateway.surfaces.ordering import find_task, take_back
from havuz_gateway.surfaces.pages.answers import Answer, Page, Redirect, Visit
from havuz_gateway.tasks.answer import consumed
from havuz_gateway.tasks.record import Task, as_of

_ON_A_PAGE = 12
_SHORT_PROMPT = 160
_PATH = "/dashboard/pictures"


@dataclass(frozen=True, slots=True)
class Shown:
    """A task as its page shows it. `links` lead to the pictures from this very site."""

    id: str
    status: str
    made: float
    model: str
    prompt: str
    short: str
    cost: int
    key: str
    links: tuple[str, ...]
    error: str | None


async def pictures(visit: Visit) -> Answer:
    """The latest tasks; older ones on the pages that follow."""
    asked = visit.query("before") or ""
    before = int(asked) if re.fullmatch(r"[0-9]{1,15}", asked) else None
    uid = visit.identity.project.uid
    tasks = await visit.services.tasks.latest(uid, before=before, count=_ON_A_PAGE + 1)
    more = tasks[_ON_A_PAGE - 1] if len(tasks) > _ON_A_PAGE else None
    values: dict[str, Any] = {
        "tasks": [_shown(task, visit) for task in tasks[:_ON_A_PAGE]],
        "unit": visit.identity.project.billing.unit,
        "older": f"{_PATH}?before={round(more.created * 1000)}" if more is not None else None,
        "newer": _PATH if before is not None else None,
        "days": visit.services.tasks.settings.days,
    }
    return Page("pictures.html", values)


async def picture(visit: Visit) -> Answer:
    """One task. Raises `NotFound` also for tasks of others."""
    task = await find_task(visit.identity.project.uid, visit.parts["task"], visit.services)
    values = {"task": _shown(task, visit), "unit": visit.identity.project.billing.unit}
    return Page("picture.html", values)


async def cancel(visit: Visit) -> Answer:
    """Take an order back that nobody has begun. Raises `NotFound`, and `Conflict` once it has begun."""
    task = await find_task(visit.identity.project.uid, visit.parts["task"], visit.services)
    await take_back(task, visit.services)
    return Redirect(f"{_PATH}/{task.id}")


def _shown(task: Task, visit: Visit) -> Shown:
    now = as_of(task, visit.now, margin=visit.services.reservation_margin)
    prompt = str(now.order.request.get("prompt") or "")
    return Shown(
        id=now.id,
        status=now.status,
        made=now.created,
        model=now.order.terms.model,
        prompt=prompt,
        short=prompt if len(prompt) <= _SHORT_PROMPT else f"{prompt[:_SHORT_PROMPT].rstrip()}…",
        cost=consumed(now),
        key=now.order.terms.key.name,
        links=tuple(links_of(now, "", visit.services)),
        error=now.outcome.error if now.outcome is not None else None,
    )
