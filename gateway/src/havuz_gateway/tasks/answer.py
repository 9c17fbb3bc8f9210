"""What a client is told of a task, by the status endpoint and by a callback alike. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from havuz_contract.money import NANOS_PER_UNIT
from havuz_gateway.tasks.record import Task


def status_answer(task: Task, links: Sequence[str]) -> dict[str, Any]:
    """The answer to `GET /api/status`; `links` lead to the pictures of a task that succeeded."""
    data: dict[str, Any] = {
        "task_id": task.id,
        "status": task.status,
        "consumed_credits": _amount(consumed(task)),
        "created_at": datetime.fromtimestamp(task.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    match task.status:
        case "PENDING" | "IN_PROGRESS":
            pass
        case "SUCCESS":
            data |= {"request": task.order.request, "response": list(links)}
        case "FAILED":
            error = task.outcome.error if task.outcome is not None else None
            data |= {"error_message": error, "request": task.order.request, "response": None}
        case _:
            raise AssertionError(f"no status of a task: {task.status!r}")
    return {"code": 200, "message": "success", "data": data}


def consumed(task: Task) -> int:
    """What the task holds while it is open, what it cost once it succeeded, and nothing where it failed; in nanos."""
    if task.status == "FAILED":
        return 0
    if task.outcome is None:
        return task.order.terms.ceiling
    return task.outcome.settlement.cost if task.outcome.settlement is not None else 0


def _amount(nanos: int) -> int | float:
    """As a JSON number: documents of clients show one."""
    whole, rest = divmod(nanos, NANOS_PER_UNIT)
    return whole if not rest else float(Decimal(nanos) / NANOS_PER_UNIT)
