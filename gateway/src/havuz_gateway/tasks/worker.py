"""Has queued tasks done, a few at a time: takes each in hand, keeps it there, and sees that its end is written down.

A worker may die at any moment. What it had in hand is claimed by another once it was not kept in hand for `lease`
seconds; the generation that each beginning counts up keeps a worker that was only slow from ending it as well.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from havuz_gateway.errors import ServiceUnavailable
from havuz_gateway.tasks.queue import AWAY, Entry, TaskQueue
from havuz_gateway.tasks.record import NOT_IN_TIME, Outcome, Task
from havuz_gateway.tasks.store import Begun, TaskStore

_log = logging.getLogger(__name__)
_RETRY_SECONDS = 0.5
_FORGET_ROUNDS = 100


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """`slots` tasks are done at a time. A task is begun at most `attempts` times; it is claimed from a worker that has
    not kept it in hand for `lease` seconds.
    """

    slots: int = 8
    attempts: int = 3
    lease: float = 30.0


class Job(Protocol):
    """What is done with a task."""

    async def do(self, task: Task, *, sending: Callable[[], Awaitable[None]]) -> Outcome:
        """Do it. `sending` is awaited before a provider is asked. Raises nothing but `ServiceUnavailable`."""

    def give_up(self, task: Task, reason: str) -> Outcome:
        """The outcome of a task that is not done."""

    async def close(self, task: Task, outcome: Outcome, *, again: bool) -> None:
        """Settle and tell; safe to repeat. `again`: it may have been done before. Raises `ServiceUnavailable`."""


class _Lost(Exception):
    """The task is another worker's by now."""


class Worker:
    """Works until it is stopped: `run` is one task's work, `stop` lets it end what it has in hand."""

    def __init__(self, store: TaskStore, queue: TaskQueue, job: Job, settings: WorkerSettings) -> None:
        self._store = store
        self._queue = queue
        self._job = job
        self._settings = settings
        self._free = asyncio.Semaphore(settings.slots)
        self._stopping = False
        self._claimed: list[Entry] = []
        self._claim_at = 0.0
        self._rounds = 0
        self.active = 0
        self.idle = asyncio.Event()
        self.idle.set()

    def stop(self) -> None:
        """Take nothing new."""
        self._stopping = True

    async def run(self) -> None:
        """Work until `stop`; when cancelled, what is in hand is left to other workers."""
        async with asyncio.TaskGroup() as group:
            while not self._stopping:
                await self._free.acquire()
                entry = await self._next()
                if entry is None or self._stopping:
                    self._free.release()
                    continue
                self.active += 1
                self.idle.clear()
                group.create_task(self._work(entry), name=f"task {entry.task_id}")
        await self._queue.leave()

    async def _next(self) -> Entry | None:
        """What others left first, then what is new. While Redis is away there is nothing."""
        try:
            now = asyncio.get_running_loop().time()
            if not self._claimed and now >= self._claim_at:
                self._claim_at = now + self._settings.lease / 2
                self._claimed = await self._queue.claim(idle_seconds=self._settings.lease, most=self._settings.slots)
                self._rounds += 1
                if self._rounds % _FORGET_ROUNDS == 0:
                    await self._queue.forget_the_dead()
            return self._claimed.pop() if self._claimed else await self._queue.take()
        except AWAY as error:
            _log.info("no task can be taken at the moment", extra={"error": str(error)})
            await asyncio.sleep(_RETRY_SECONDS)
            return None

    async def _work(self, entry: Entry) -> None:
        try:
            if await self._handle(entry):
                await self._queue.done(entry)
        except (ServiceUnavailable, *AWAY) as error:
            _log.warning("a task is left for later", extra={"task": entry.task_id, "error": str(error)})
        except Exception:
            _log.exception("a task failed unexpectedly and is left for later", extra={"task": entry.task_id})
        finally:
            self._free.release()
            self.active -= 1
            if not self.active:
                self.idle.set()

    async def _handle(self, entry: Entry) -> bool:
        """Whether nothing is left to be done. Raises `ServiceUnavailable`."""
        uid, task_id = entry.project_uid, entry.task_id
        begun = await self._store.begin(uid, task_id, seconds=self._settings.lease)
        match begun.verdict:
            case "gone":
                return True
            case "held":
                return False  # whoever has it acknowledges the entry, or leaves it to be claimed again
            case "ended" if begun.settled:
                return True
            case "ended" | "begun" | "late":
                task = await self._store.find(uid, task_id)
            case _:
                raise AssertionError(f"no such beginning: {begun.verdict!r}")
        if task is None:
            return True
        if task.outcome is not None:
            await self._close(task, task.outcome, again=True)
            return True
        try:
            outcome = await self._done(task, begun)
        except _Lost:
            return False
        if await self._store.end(uid, task_id, outcome, generation=begun.generation) != "ended":
            return False
        await self._close(task, outcome, again=False)
        return True

    async def _close(self, task: Task, outcome: Outcome, *, again: bool) -> None:
        await self._job.close(task, outcome, again=again)
        await self._store.note_settled(task.project_uid, task.id)

    async def _done(self, task: Task, begun: Begun) -> Outcome:
        if begun.verdict == "late":
            return self._job.give_up(task, NOT_IN_TIME)
        if begun.generation > self._settings.attempts:
            return self._job.give_up(task, f"it was given up after {self._settings.attempts} attempts: order it again")
        if begun.sent:
            _log.warning("a task is done again after its worker was lost", extra={"task": task.id})

        async def sending() -> None:
            await self._hold(task, begun, sending=True)

        async with self._held(task, begun):
            return await self._job.do(task, sending=sending)

    @asynccontextmanager
    async def _held(self, task: Task, begun: Begun) -> AsyncIterator[None]:
        """Keep the task in hand while the block lasts; where it was lost, the block is cancelled. Raises `_Lost`."""
        working = asyncio.current_task()
        lost = False

        async def keep() -> None:
            nonlocal lost
            while True:
                await asyncio.sleep(self._settings.lease / 3)
                try:
                    await self._hold(task, begun)
                except _Lost:
                    lost = True
                    if working is not None:
                        working.cancel()
                    return
                except ServiceUnavailable:
                    continue  # nobody can take it either while Redis is away

        keeping = asyncio.create_task(keep(), name=f"keeping {task.id}")
        try:
            yield
        except asyncio.CancelledError:
            if lost and working is not None and working.uncancel() == 0:
                raise _Lost from None
            raise
        finally:
            keeping.cancel()
            await asyncio.wait((keeping,))

    async def _hold(self, task: Task, begun: Begun, *, sending: bool = False) -> None:
        kept = await self._store.hold(
            task.project_uid, task.id, generation=begun.generation, seconds=self._settings.lease, sending=sending
        )
        if not kept:
            raise _Lost
