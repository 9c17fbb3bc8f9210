"""The stream of tasks to be done: put there once by whoever took the order, read by a group of workers.

An entry is only a call to look at a task: who may work on it is decided by its record. An entry that nobody has
acknowledged for a while is claimed by another worker.
"""

import asyncio
import logging
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from havuz_contract import keys
from havuz_gateway.errors import ServiceUnavailable
from havuz_gateway.metering.link import Calls, ErrorReply, LinkDown, packed

_log = logging.getLogger(__name__)
_BLOCK_MILLISECONDS = 1_000
_MOST_UNSENT = 10_000
_DEPTH_SECONDS = 5.0
_FORGOTTEN_MILLISECONDS = 3_600_000


class Entry(NamedTuple):
    """A call to look at a task."""

    id: str
    project_uid: str
    task_id: str


class TaskQueue:
    """`link` is for short calls and `client` for those that wait. `consumer` is this process's name in the group."""

    def __init__(self, link: Calls, client: Redis, *, consumer: str) -> None:
        self._link = link
        self._redis = client
        self._consumer = consumer
        self._unsent: list[bytes] = []
        self._claim_from = "0-0"
        self.depth = 0  # tasks that have not ended, as far as is known
        link.on_up.append(self._send_unsent)

    async def run(self) -> None:
        """Watch how long the queue is, until cancelled."""
        while True:
            with suppress(LinkDown, ErrorReply):  # the last known depth stays
                self.depth = int(await self._link.ask(packed("XLEN", keys.TASKS)))
            await asyncio.sleep(_DEPTH_SECONDS)

    async def add(self, project_uid: str, task_id: str) -> None:
        """Have a task done. While Redis is away this is remembered; raises `ServiceUnavailable` where it can't be."""
        command = packed("XADD", keys.TASKS, "*", "p", project_uid, "t", task_id)
        try:
            await self._link.ask(command)
        except LinkDown:
            # twice in the queue is once in the record, and never in it would be a task that nobody does
            if len(self._unsent) >= _MOST_UNSENT:
                raise ServiceUnavailable("the task can't be queued at the moment: try again later") from None
            self._unsent.append(command)
        except ErrorReply as error:
            _log.error("a task can't be queued", extra={"error": str(error)})
            raise ServiceUnavailable("the task can't be queued at the moment: try again later") from None

    async def prepare(self) -> None:
        """Make the group, where there is none. Raises `RedisError`."""
        try:
            await self._redis.xgroup_create(keys.TASKS, keys.TASK_WORKERS, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    async def take(self) -> Entry | None:
        """The next entry that nobody has, waiting a second for it. Raises `RedisError`."""
        try:
            found: Any = await self._redis.xreadgroup(
                keys.TASK_WORKERS, self._consumer, {keys.TASKS: ">"}, count=1, block=_BLOCK_MILLISECONDS
            )
        except ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            await self.prepare()  # Redis has lost it
            return None
        for _, entries in found:
            for entry_id, fields in entries:
                return _entry(entry_id, fields)
        return None

    async def claim(self, *, idle_seconds: float, most: int) -> list[Entry]:
        """What was not acknowledged for so long; the next call looks further. Raises `RedisError`."""
        try:
            reply: Any = await self._redis.xautoclaim(
                keys.TASKS, keys.TASK_WORKERS, self._consumer,
                min_idle_time=int(idle_seconds * 1000), start_id=self._claim_from, count=most,
            )  # fmt: skip
        except ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            await self.prepare()
            return []
        self._claim_from = reply[0].decode()
        return [_entry(entry_id, fields) for entry_id, fields in reply[1] if fields]

    async def done(self, entry: Entry) -> None:
        """The entry needs nobody any more. Raises `RedisError`."""
        await self._redis.xack(keys.TASKS, keys.TASK_WORKERS, entry.id)
        await self._redis.xdel(keys.TASKS, entry.id)

    async def forget_the_dead(self) -> None:
        """Strike names of workers off that were not heard of for an hour and have nothing in hand.

        Raises `RedisError`.
        """
        consumers: Any = await self._redis.xinfo_consumers(keys.TASKS, keys.TASK_WORKERS)
        for one in consumers:
            if one["pending"] == 0 and one["idle"] > _FORGOTTEN_MILLISECONDS:
                await self._redis.xgroup_delconsumer(keys.TASKS, keys.TASK_WORKERS, one["name"])

    async def leave(self) -> None:
        """This worker ends: strike its name off, unless others have to claim something from it."""
        try:
            consumers: Any = await self._redis.xinfo_consumers(keys.TASKS, keys.TASK_WORKERS)
            if any(one["name"].decode() == self._consumer and one["pending"] == 0 for one in consumers):
                await self._redis.xgroup_delconsumer(keys.TASKS, keys.TASK_WORKERS, self._consumer)
        except (RedisError, OSError):
            return  # the others strike it off in an hour

    def _send_unsent(self) -> None:
        waiting, self._unsent = self._unsent, []
        for command in waiting:
            self._link.submit(command, partial(self._sent, command))

    def _sent(self, command: bytes, reply: Any) -> None:
        if isinstance(reply, LinkDown):
            self._unsent.append(command)


def _entry(entry_id: bytes, fields: dict[bytes, bytes]) -> Entry:
    return Entry(entry_id.decode(), fields[b"p"].decode(), fields[b"t"].decode())
