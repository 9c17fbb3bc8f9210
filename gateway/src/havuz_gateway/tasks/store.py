"""Records of tasks in Redis, sealed, each seen by its own project alone. Every change is one script on its keys.

Over a connection of its own. While Redis is away, that is said at once: nothing is ordered, and nothing ends.
"""

import hashlib
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from havuz_contract import keys
from havuz_contract.snapshot.envelope import EnvelopeError, Keyring
from havuz_gateway.errors import GatewayError, InvalidRequest, RateLimited, ServiceUnavailable
from havuz_gateway.metering.link import Calls, ErrorReply, LinkDown, packed, packed_parts
from havuz_gateway.metering.scripts import Script
from havuz_gateway.tasks.doubts import Doubts
from havuz_gateway.tasks.record import (
    Order,
    Outcome,
    RecordUnreadable,
    Task,
    pack_order,
    pack_outcome,
    unpack_order,
    unpack_outcome,
)

_log = logging.getLogger(__name__)
_AWAY_RETRY_SECONDS = 1.0
_FULL_RETRY_SECONDS = 10.0
_OVERDUE_SECONDS = 3_600
_ID_BYTES = 16
_NUMBER_BYTES = 6
_LEAST_NUMBER = 10_000_000
_SUBMIT = Script("submit", package=__package__, prelude=())
_BEGIN = Script("begin", package=__package__, prelude=())
_HOLD = Script("hold", package=__package__, prelude=())
_END = Script("end", package=__package__, prelude=())


@dataclass(frozen=True, slots=True)
class TaskSettings:
    """`seconds` that a task has to end, `days` that it is kept after that; `most_open` tasks a project may have."""

    seconds: float = 3600.0
    days: int = 7
    most_open: int = 1_000


class Named(NamedTuple):
    """An `Idempotency-Key` and what was sent under it."""

    name: str
    sent: bytes


class Begun(NamedTuple):
    """What came of taking a task in hand.

    `begun`, or `late` where its time is over: it is this worker's; `held` is another's; `ended` may still have to be
    settled. `generation` is how many times it was begun; `sent` says that a provider may have been asked before.
    """

    verdict: Literal["gone", "held", "ended", "begun", "late"]
    generation: int = 0
    sent: bool = False
    settled: bool = False


class TaskStore:
    """Reads and writes tasks. `run` keeps it connected, until cancelled."""

    def __init__(
        self,
        link: Calls,
        keyring: Keyring,
        settings: TaskSettings,
        *,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._random = random
        self._link = link
        self._keyring = keyring
        self.settings = settings
        self._kept = settings.days * 86_400
        self.doubts = Doubts(self.end)

    def new_id(self) -> str:
        """An id that nobody can guess."""
        return f"img{self._random(_ID_BYTES).hex()}"

    def new_number(self) -> int:
        """A number that no other task has, and that JavaScript can hold: what is known of it says its signature."""
        return _LEAST_NUMBER + int.from_bytes(self._random(_NUMBER_BYTES))

    async def run(self) -> None:
        """Stay connected."""
        await self._link.run()

    async def named(self, project_uid: str, named: Named) -> str | None:
        """The id of the task that was ordered under this name.

        Raises `InvalidRequest` where something else was ordered under it, and `ServiceUnavailable`.
        """
        reply = await self._ask(packed("GET", keys.task_named(project_uid, _digest(named.name.encode()))))
        if reply is None:
            return None
        task_id, _, digest = reply.decode().partition("|")
        if digest != _digest(named.sent):
            raise _something_else()
        return str(task_id)

    async def submit(self, task_id: str, order: Order, named: Named | None) -> str:
        """Write a task down; returns its id, which is another's where the name was used before.

        Raises `InvalidRequest`, `RateLimited` where too many are open, and `ServiceUnavailable`.
        """
        uid = order.terms.project.uid
        key = keys.task(uid, task_id)
        name = _digest(named.name.encode()) if named is not None else ""
        digest = _digest(named.sent) if named is not None else ""
        sealed = self._keyring.seal(pack_order(order), owner=key)
        arguments = (task_id, sealed, int(self.settings.seconds), self._kept, self.settings.most_open, digest)
        names = (key, keys.open_tasks(uid), keys.task_named(uid, name), keys.tasks_made(uid))
        verdict, *details = await self._call(_SUBMIT, names, arguments)
        match verdict:
            case b"made":
                return task_id
            case b"known":
                return str(details[0].decode())
            case b"other":
                raise _something_else()
            case b"full":
                raise RateLimited(
                    f"{self.settings.most_open} tasks of this project are open, which is its limit: wait for some",
                    retry_after=_FULL_RETRY_SECONDS,
                )
            case _:
                raise GatewayError("the task got the number of another one: try again")

    async def find(self, project_uid: str, task_id: str) -> Task | None:
        """One task of the project. Raises `ServiceUnavailable`."""
        key = keys.task(project_uid, task_id)
        fields = ("status", "created", "due", "order", "outcome")
        status, created, due, order, outcome = await self._ask(packed("HMGET", key, *fields))
        if status is None:
            return None
        try:
            return Task(
                id=task_id,
                status=status.decode(),
                created=int(created) / 1000,
                due=int(due) / 1000,
                order=unpack_order(self._keyring.open(order.decode(), owner=key)),
                outcome=unpack_outcome(self._keyring.open(outcome.decode(), owner=key)) if outcome else None,
            )
        except (EnvelopeError, RecordUnreadable) as error:
            _log.warning("a task can't be read", extra={"task": task_id, "error": str(error)})
            return None

    async def open_ids(self, project_uid: str, *, before: float, offset: int, most: int) -> list[str]:
        """Ids of a project's tasks that have not ended and were ordered before a moment (unix seconds), up to `most`
        from `offset` on.

        Those whose time was over an hour before it are left out: their records may be gone.
        Raises `ServiceUnavailable`.
        """
        due = (before - _OVERDUE_SECONDS, before + self.settings.seconds)
        scores = (int(moment * 1000) for moment in due)
        name = keys.open_tasks(project_uid)
        found = await self._ask(packed("ZRANGE", name, *scores, "BYSCORE", "LIMIT", offset, most))
        return [task_id.decode() for task_id in found]

    async def latest(self, project_uid: str, *, before: int | None, count: int) -> list[Task]:
        """So many tasks of the project, the latest first; `before` (unix ms) goes on where another list ended.

        Raises `ServiceUnavailable`.
        """
        until = "+inf" if before is None else f"({before}"
        made = keys.tasks_made(project_uid)
        ids = await self._ask(packed("ZREVRANGEBYSCORE", made, until, "-inf", "LIMIT", 0, count))
        found = [await self.find(project_uid, task_id.decode()) for task_id in ids]
        return [task for task in found if task is not None]

    async def begin(self, project_uid: str, task_id: str, *, seconds: float) -> Begun:
        """Take it in hand for so long. Raises `ServiceUnavailable`."""
        verdict, *rest = await self._call(_BEGIN, (keys.task(project_uid, task_id),), (int(seconds * 1000),))
        match verdict:
            case b"begun" | b"late":
                return Begun(verdict.decode(), generation=rest[0], sent=bool(rest[1]))
            case b"ended":
                return Begun("ended", settled=bool(rest[0]))
            case _:
                return Begun(verdict.decode())

    async def hold(
        self, project_uid: str, task_id: str, *, generation: int, seconds: float, sending: bool = False
    ) -> bool:
        """Keep it in hand; `sending` notes that a provider is asked now. False: it is another's by now.

        Raises `ServiceUnavailable`.
        """
        arguments = (generation, int(seconds * 1000), "1" if sending else "")
        reply = await self._call(_HOLD, (keys.task(project_uid, task_id),), arguments)
        return bool(reply[0] == b"held")

    async def end(self, project_uid: str, task_id: str, outcome: Outcome, *, generation: int | None) -> str:
        """End it; `generation` None is its client, who takes back what nobody has begun.

        Returns `ended`, or the status that it has where it is not the caller's to end ('' where it is gone). Raises
        `ServiceUnavailable`.
        """
        key = keys.task(project_uid, task_id)
        sealed = self._keyring.seal(pack_outcome(outcome), owner=key)
        arguments = (task_id, "" if generation is None else generation, outcome.status, sealed, self._kept)
        verdict, *rest = await self._call(_END, (key, keys.open_tasks(project_uid)), arguments)
        return "ended" if verdict == b"ended" else str(rest[0].decode())

    async def note_settled(self, project_uid: str, task_id: str) -> None:
        """Its settlement is in the books. Raises `ServiceUnavailable`."""
        await self._ask(packed("HSET", keys.task(project_uid, task_id), "settled", "1"))

    async def _call(self, script: Script, names: Sequence[str], arguments: Sequence[str | int]) -> Any:
        return await self._ask(script.head(len(names), len(arguments)) + packed_parts(*names, *arguments), script)

    async def _ask(self, command: bytes, script: Script | None = None) -> Any:
        if not self._link.tried.is_set():
            await self._link.tried.wait()  # a process that has just started
        try:
            return await (self._link.ask(command) if script is None else script.ask(self._link, command))
        except (LinkDown, ErrorReply) as error:
            if isinstance(error, ErrorReply):
                _log.error("tasks can't be kept in Redis", extra={"error": str(error)})
            raise ServiceUnavailable(
                "tasks can't be reached at the moment: try again later", retry_after=_AWAY_RETRY_SECONDS
            ) from None


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def _something_else() -> InvalidRequest:
    return InvalidRequest(
        "this Idempotency-Key was used before for something else: send a new one with each new order",
        param="Idempotency-Key",
    )
