"""Finds tasks that were written down and are in no queue, and queues them: one gateway of the fleet at a time.

A gateway can die, or Redis forget, between the record of a task and its place in the queue; the record is what counts.
"""

import asyncio
import logging
from collections.abc import Callable, Collection

from havuz_gateway.errors import ServiceUnavailable
from havuz_gateway.metering.link import ErrorReply, LinkDown
from havuz_gateway.metering.turn import Turn
from havuz_gateway.tasks.queue import TaskQueue
from havuz_gateway.tasks.store import TaskStore

_log = logging.getLogger(__name__)
_FRESH_SECONDS = 5.0  # whoever wrote it down is about to queue it
_PROJECTS_AT_ONCE = 200
_TASKS_AT_ONCE = 1_000


class TaskSweeper:
    """Sweeps every `seconds` while it is this gateway's turn.

    `projects` are the uids to look at, `wall` gives unix seconds.
    """

    def __init__(
        self,
        store: TaskStore,
        queue: TaskQueue,
        turn: Turn,
        *,
        projects: Callable[[], Collection[str]],
        seconds: float,
        wall: Callable[[], float],
    ) -> None:
        self._store = store
        self._queue = queue
        self._turn = turn
        self._projects = projects
        self._seconds = seconds
        self._wall = wall

    async def run(self) -> None:
        """Sweep again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._seconds)
            try:
                if await self._turn.taken():
                    await self.sweep()
            except (ServiceUnavailable, LinkDown, ErrorReply) as error:
                _log.info("no lost tasks can be looked for at the moment", extra={"error": str(error)})

    async def sweep(self) -> int:
        """Look at every project; returns how many tasks were queued. Raises what calls of Redis do."""
        uids, queued = list(self._projects()), 0
        for begin in range(0, len(uids), _PROJECTS_AT_ONCE):
            some = uids[begin : begin + _PROJECTS_AT_ONCE]
            queued += sum(await asyncio.gather(*(self._sweep_project(uid) for uid in some)))
        return queued

    async def _sweep_project(self, uid: str) -> int:
        before = self._wall() - _FRESH_SECONDS
        queued, offset = 0, 0
        while True:
            task_ids = await self._store.open_ids(uid, before=before, offset=offset, most=_TASKS_AT_ONCE)
            for task_id in await self._queue.unqueued(uid, task_ids):
                _log.warning("a task was in no queue and is queued", extra={"project": uid, "task": task_id})
                await self._queue.add(uid, task_id)
                queued += 1
            if len(task_ids) < _TASKS_AT_ONCE:
                return queued
            offset += _TASKS_AT_ONCE
