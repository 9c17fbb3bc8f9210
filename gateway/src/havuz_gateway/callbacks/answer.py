"""What a task's owner is told of its callback. Pure."""

from datetime import UTC, datetime
from typing import Any

from havuz_gateway.callbacks.queue import Delivery

_MOST_ATTEMPTS = 20


def delivery_answer(delivery: Delivery | None) -> dict[str, Any]:
    """How far a callback is, with its latest attempts, the oldest first; None where its task has not ended."""
    if delivery is None:
        return {"status": "waiting", "attempts": [], "next_at": None}
    attempts = [
        {"at": _time(one.at), "seconds": one.seconds, "status": one.status, "error": one.error}
        for one in delivery.attempts[-_MOST_ATTEMPTS:]
    ]
    next_at = _time(delivery.next_at) if delivery.next_at is not None else None
    return {"status": delivery.state, "attempts": attempts, "next_at": next_at}


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
