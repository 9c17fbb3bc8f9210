"""Callbacks in Redis: due ones by time, a record of each for a week. What is told to whom is sealed."""

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any, Literal, cast

from redis.asyncio import Redis

from havuz_contract import keys
from havuz_contract.snapshot.envelope import EnvelopeError, Keyring
from havuz_gateway.telemetry.backlogs import CallbacksQueued

State = Literal["pending", "delivered", "failed"]

_KEPT_SECONDS = 7 * 86_400
_LOG_BYTES = 8 * 1024  # dozens of attempts; replays add to them without end
_TASK_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_MILLISECONDS = 1000


def _script(name: str) -> str:
    folder = resources.files(__package__).joinpath("scripts")
    return "\n".join(folder.joinpath(f"{part}.lua").read_text(encoding="utf-8") for part in ("due", name))


_ENQUEUE, _CLAIM, _FINISH, _REPLAY, _STATE = map(_script, ("enqueue", "claim", "finish", "replay", "state"))


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt `at` (unix seconds), which took `seconds`: the status that answered, or why there was none."""

    at: float
    seconds: float
    status: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far a callback is. `next_at` is unix seconds, while it is pending."""

    state: State
    attempts: tuple[Attempt, ...]
    next_at: float | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A callback that this process is to deliver now. `tried` counts attempts before; `url` None: it can't be read."""

    project_uid: str
    task_id: str
    generation: int
    tried: int
    url: str | None
    body: bytes


class CallbackQueue:
    """Everything that is said to Redis about callbacks. Every method raises `redis.RedisError` while it is away."""

    def __init__(self, redis: Redis, keyring: Keyring, *, lease_seconds: float = 60.0) -> None:
        self._redis: Any = redis  # redis-py types what the same method gives with and without asyncio as one
        self._keyring = keyring
        self._lease = int(lease_seconds * _MILLISECONDS)

    async def add(self, project_uid: str, task_id: str, *, url: str, body: bytes) -> bool:
        """Take in what a task's end is told with; False where that was done already.

        Raises `ValueError` for an id that is not of letters, digits, `-` and `_`.
        """
        if not _TASK_ID.fullmatch(task_id):
            raise ValueError(f"the id {task_id!r} of a task must have letters, digits, - and _ only")
        plain = json.dumps({"url": url, "body": body.decode()}).encode()
        sealed = self._keyring.seal(plain, owner=keys.callback(project_uid, task_id))
        arguments = (project_uid, task_id, sealed, _KEPT_SECONDS)
        return await self._done(_ENQUEUE, _names(project_uid, task_id)[:3], arguments)

    async def claim(self, count: int, *, of_one_project: int, busy: Collection[str] = ()) -> list[Claimed]:
        """Take up to so many that are due, none of the projects `busy`. What is not finished in time is due again."""
        prefixes = (keys.callbacks_due(""), keys.callback("", "").removesuffix("/"))
        arguments = (count, of_one_project, self._lease, *prefixes, _KEPT_SECONDS, *busy)
        rows = await self._redis.eval(_CLAIM, 1, keys.CALLBACKS_PROJECTS, *arguments)
        return [self._claimed(*row) for row in rows]

    async def finish(self, claimed: Claimed, state: State, *, attempt: Attempt, next_in: float = 0.0) -> bool:
        """Say how it went; False where the lease was over and another process has it. `next_in` is seconds."""
        line = json.dumps(asdict(attempt), ensure_ascii=False)
        pause = int(next_in * _MILLISECONDS)
        who = (claimed.project_uid, claimed.task_id, claimed.generation)
        arguments = (*who, state, pause, line, _KEPT_SECONDS, _LOG_BYTES)
        return await self._done(_FINISH, _names(claimed.project_uid, claimed.task_id), arguments)

    async def replay(self, project_uid: str, task_id: str) -> bool:
        """Deliver it again, as if for the first time; False where nothing is kept of it."""
        arguments = (project_uid, task_id, _KEPT_SECONDS)
        return await self._done(_REPLAY, _names(project_uid, task_id), arguments)

    async def failed(self, project_uid: str | None = None) -> list[tuple[str, str]]:
        """Project uid and task id of what was given up within the last week, the oldest first."""
        members = await self._redis.zrange(keys.CALLBACKS_FAILED, 0, -1)
        found = [_split(member) for member in members]
        return [one for one in found if project_uid in (None, one[0])]

    async def delivery(self, project_uid: str, task_id: str) -> Delivery | None:
        """How far the callback of a task is; None where nothing is kept of one."""
        state, log = await self._redis.hmget(keys.callback(project_uid, task_id), "state", "log")
        if state is None:
            return None
        due = await self._redis.zscore(keys.callbacks_due(project_uid), task_id)
        attempts = tuple(Attempt(**json.loads(line)) for line in log.decode().splitlines())
        return Delivery(cast("State", state.decode()), attempts, None if due is None else due / _MILLISECONDS)

    async def state(self) -> CallbacksQueued:
        """How many are to be told, how late they are, and how many were given up."""
        names = (keys.CALLBACKS_PROJECTS, keys.CALLBACKS_FAILED)
        told = await self._redis.eval(_STATE, len(names), *names, keys.callbacks_due(""))
        return CallbacksQueued(open=told[0], late_seconds=told[1] / _MILLISECONDS, failed=told[2])

    async def _done(self, script: str, names: Sequence[str], arguments: Sequence[str | int]) -> bool:
        reply = await self._redis.eval(script, len(names), *names, *arguments)
        return bool(reply[0])

    def _claimed(self, project: bytes, task: bytes, generation: int, tried: int, sealed: bytes) -> Claimed:
        project_uid, task_id = project.decode(), task.decode()
        url, body = None, b""
        try:
            told = json.loads(self._keyring.open(sealed.decode(), owner=keys.callback(project_uid, task_id)))
            url, body = told["url"], told["body"].encode()
        except (EnvelopeError, ValueError, KeyError):
            pass  # its key was taken out of the keyring
        return Claimed(project_uid, task_id, generation, tried, url, body)


def _names(project_uid: str, task_id: str) -> tuple[str, ...]:
    due, record = keys.callbacks_due(project_uid), keys.callback(project_uid, task_id)
    return keys.CALLBACKS_PROJECTS, due, record, keys.CALLBACKS_FAILED


def _split(member: bytes) -> tuple[str, str]:
    project_uid, _, task_id = member.decode().rpartition("/")
    return project_uid, task_id
