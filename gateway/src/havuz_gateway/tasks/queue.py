"""The queue of tasks to be done: waiting ones by project, and a stream of those that workers have.

Projects take turns, so that whoever orders thousands waits for itself alone. An entry of the stream is only a call to
look at a task: who may work on it is decided by its record. One that nobody has acknowledged for a while is claimed by
another worker.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from havuz_contract import keys
from havuz_gateway.metering.link import Calls, ErrorReply, LinkDown, packed, packed_parts
from havuz_gateway.metering.scripts import Script
from havuz_gateway.telemetry.backlogs import TasksQueued

_log = logging.getLogger(__name__)
_BLOCK_MILLISECONDS = 1_000
_STATE_SECONDS = 5.0
_FORGOTTEN_MILLISECONDS = 3_600_000
_WAITING = keys.waiting_tasks("")
_ADD = Script("add", package=__package__, prelude=("deal",))
_TAKE = Script("take", package=__package__, prelude=("deal",))
_DONE = Script("done", package=__package__, prelude=())
_STATE = Script("state", package=__package__, prelude=())

AWAY = (LinkDown, ErrorReply, RedisError, OSError)
"""What calls of a queue raise while Redis is away, or answers with an error."""


class Entry(NamedTuple):
    """A call to look at a task."""

    id: str
    project_uid: str
    task_id: str


class TaskQueue:
    """`link` is for short calls and `client` for those that wait. `consumer` is this process's name in the group.

    Calls raise one of `AWAY` where nothing else is said.
    """

    def __init__(self, link: Calls, client: Redis, *, consumer: str) -> None:
        self._link = link
        self._redis = client
        self._consumer = consumer
        self._claim_from = "0-0"
        self.state = TasksQueued(open=0, waiting=0, oldest_seconds=0.0)  # as far as is known

    async def run(self) -> None:
        """Watch how much is queued, until cancelled."""
        while True:
            with suppress(LinkDown, ErrorReply):  # the last known state stays
                tasks, waiting, age = await self._call(_STATE, (keys.TASKS_QUEUED,), ())
                self.state = TasksQueued(open=tasks, waiting=waiting, oldest_seconds=age / 1000)
            await asyncio.sleep(_STATE_SECONDS)

    async def add(self, project_uid: str, task_id: str) -> None:
        """Have a task done that was written down; one that is queued already stays where it is.

        Where this does not succeed the task is queued by the sweeper, which finds its record.
        """
        names = (keys.TASKS, keys.TASK_TURNS, keys.TASKS_QUEUED, keys.waiting_tasks(project_uid))
        try:
            await self._call(_ADD, names, (keys.TASK_WORKERS, _WAITING, project_uid, task_id))
        except (LinkDown, ErrorReply) as error:
            _log.warning("a task is queued later", extra={"task": task_id, "error": str(error)})

    async def unqueued(self, project_uid: str, task_ids: Sequence[str]) -> list[str]:
        """Those of a project's tasks that are in no queue. Raises `LinkDown` and `ErrorReply`."""
        if not task_ids:
            return []
        members = (f"{project_uid}/{task_id}" for task_id in task_ids)
        scores = await self._link.ask(packed("ZMSCORE", keys.TASKS_QUEUED, *members))
        return [task_id for task_id, score in zip(task_ids, scores, strict=True) if score is None]

    async def take(self) -> Entry | None:
        """The next task that nobody has; where there is none, None after a second, or as soon as there may be one."""
        names = (keys.TASKS, keys.TASK_TURNS, keys.TASKS_QUEUED)
        found = await self._call(_TAKE, names, (keys.TASK_WORKERS, _WAITING, self._consumer))
        match [part.decode() for part in found]:
            case [entry_id, project_uid, task_id]:
                return Entry(entry_id, project_uid, task_id)
            case [last]:
                await self._redis.xread({keys.TASKS: last}, count=1, block=_BLOCK_MILLISECONDS)
                return None
            case _:
                raise AssertionError(f"no such reply of the queue: {found!r}")

    async def claim(self, *, idle_seconds: float, most: int) -> list[Entry]:
        """What was not acknowledged for so long; the next call looks further."""
        try:
            reply: Any = await self._redis.xautoclaim(
                keys.TASKS, keys.TASK_WORKERS, self._consumer,
                min_idle_time=int(idle_seconds * 1000), start_id=self._claim_from, count=most,
            )  # fmt: skip
        except ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            return []  # nothing was ever queued
        self._claim_from = reply[0].decode()
        return [Entry(entry_id.decode(), fields[b"p"].decode(), fields[b"t"].decode())
                for entry_id, fields in reply[1] if fields]  # fmt: skip

    async def done(self, entry: Entry) -> None:
        """The entry needs nobody any more."""
        arguments = (keys.TASK_WORKERS, entry.id, entry.project_uid, entry.task_id)
        await self._call(_DONE, (keys.TASKS, keys.TASKS_QUEUED), arguments)

    async def forget_the_dead(self) -> None:
        """Strike names of workers off that were not heard of for an hour and have nothing in hand."""
        consumers: Any = await self._redis.xinfo_consumers(keys.TASKS, keys.TASK_WORKERS)
        for one in consumers:
            if one["pending"] == 0 and one["idle"] > _FORGOTTEN_MILLISECONDS:
                await self._redis.xgroup_delconsumer(keys.TASKS, keys.TASK_WORKERS, one["name"])

    async def leave(self) -> None:
        """This worker ends: strike its name off, unless others have to claim something from it. Raises nothing."""
        try:
            consumers: Any = await self._redis.xinfo_consumers(keys.TASKS, keys.TASK_WORKERS)
            if any(one["name"].decode() == self._consumer and one["pending"] == 0 for one in consumers):
                await self._redis.xgroup_delconsumer(keys.TASKS, keys.TASK_WORKERS, self._consumer)
        except (RedisError, OSError):
            return  # the others strike it off in an hour

    async def _call(self, script: Script, names: Sequence[str], arguments: Sequence[str]) -> Any:
        return await script.ask(self._link, script.head(len(names), len(arguments)) + packed_parts(*names, *arguments))
