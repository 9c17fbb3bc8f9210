"""Orders that may have been written down though their clients were told that they were not: taken back again.

Redis was lost between the order and its reply. A client that gave no name to its order would order it anew, and would
be drawn two pictures, and pay for both. Where this process dies before it has taken it back, the sweeper finds the
order and it is done: only an `Idempotency-Key` tells such an order from a new one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from havuz_gateway.errors import ServiceUnavailable
from havuz_gateway.tasks.record import Outcome

_PAUSE_SECONDS = 0.5
_ROUNDS = 20  # in which Redis answers: what was on its way to it has arrived by then, or never will
_MOST = 10_000
TAKEN_BACK = Outcome("FAILED", error="its order was answered with an error: order it again")


class End(Protocol):
    """As `TaskStore.end`."""

    def __call__(self, project_uid: str, task_id: str, outcome: Outcome, *, generation: int | None) -> Awaitable[str]:
        """`ended`, or the status that it has ('' where there is none). Raises `ServiceUnavailable`."""


@dataclass(slots=True)
class _Doubt:
    project_uid: str
    task_id: str
    release: Callable[[], None]
    rounds: int = 0


class Doubts:
    """Takes orders back while `run` runs."""

    def __init__(self, end: End) -> None:
        self._end = end
        self._open: list[_Doubt] = []
        self._some = asyncio.Event()

    def add(self, project_uid: str, task_id: str, *, release: Callable[[], None]) -> None:
        """Take it back; `release` is called once it is known that nobody does it."""
        if len(self._open) < _MOST:
            self._open.append(_Doubt(project_uid, task_id, release))
            self._some.set()

    async def run(self) -> None:
        """Look again and again at what is in doubt, until cancelled."""
        while True:
            if not self._open:
                self._some.clear()
            await self._some.wait()
            await asyncio.sleep(_PAUSE_SECONDS)
            for doubt in list(self._open):
                try:
                    await self._look(doubt)
                except ServiceUnavailable:
                    break  # Redis is away, for all of them

    async def _look(self, doubt: _Doubt) -> None:
        found = await self._end(doubt.project_uid, doubt.task_id, TAKEN_BACK, generation=None)
        doubt.rounds += 1
        match found:
            case "ended":
                doubt.release()
            case "" if doubt.rounds < _ROUNDS:
                return
            case "":
                doubt.release()
            case _:
                pass  # a worker has it already
        self._open.remove(doubt)
