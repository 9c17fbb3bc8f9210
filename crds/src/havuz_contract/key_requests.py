"""Requests of customers about their keys: asked of a gateway, done by the operator (or local mode), answered once.

A request waits in Redis while the operator is away, for a day. It is sealed, so that nobody without the encryption keys
can ask for one. The answer waits ten minutes, and gives the new key to the first who takes it. Whoever took a key in
its place may find that the key it asked with has ended: id and project are all that `take` needs.
"""

import json
import re
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, cast

from redis.asyncio import Redis

from havuz_contract import keys
from havuz_contract.snapshot.envelope import EnvelopeError, Keyring

KeyAction = Literal["Reset", "Create", "Revoke"]
KeyAnswerState = Literal["Waiting", "Done", "Refused"]

MOST_OPEN = 8
WAITS_SECONDS = 86_400
ANSWER_SECONDS = 600

_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")

_ASK = """
-- KEYS: 1 open requests of the project, 2 projects with open requests, 3 answer (one hash tag)
-- ARGV: 1 request id, 2 sealed request, 3 project uid, 4 most open requests, 5 seconds that a request waits
-- Reply: 'asked' | 'known' (asked before) | 'full'
if redis.call('EXISTS', KEYS[3]) == 1 or redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 'known' end
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4]) then return 'full' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('SADD', KEYS[2], ARGV[3])
return 'asked'
"""

_ANSWER = """
-- KEYS: 1 open requests of the project, 2 projects with open requests, 3 answer (one hash tag)
-- ARGV: 1 request id, 2 project uid, 3 sealed answer, 4 sealed new key ('': none), 5 seconds that an answer waits
-- Reply: 1, or 0 where the request was not open any more
local open = redis.call('HDEL', KEYS[1], ARGV[1])
if redis.call('HLEN', KEYS[1]) == 0 then redis.call('SREM', KEYS[2], ARGV[2]) end
if open == 0 then return 0 end
redis.call('HSET', KEYS[3], 'answer', ARGV[3])
if ARGV[4] ~= '' then redis.call('HSET', KEYS[3], 'key', ARGV[4]) end
redis.call('EXPIRE', KEYS[3], ARGV[5])
return 1
"""

_TAKE = """
-- KEYS: 1 open requests of the project, 2 answer (one hash tag)
-- ARGV: 1 request id
-- Reply: {'waiting'} | {'unknown'} | {'answered', sealed answer, sealed new key ('': none, or shown before)}
local answer = redis.call('HMGET', KEYS[2], 'answer', 'key')
if not answer[1] then
  if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return {'waiting'} end
  return {'unknown'}
end
redis.call('HDEL', KEYS[2], 'key')
return {'answered', answer[1], answer[2] or ''}
"""

_PRUNE = """
-- KEYS: 1 open requests of the project, 2 projects with open requests (one hash tag)
-- ARGV: 1 project uid
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('SREM', KEYS[2], ARGV[1]) end
"""


class TooManyRequestsError(Exception):
    """The project has as many open requests as it may; they wait for the operator."""


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """What a customer asks for. `id` is random, unguessable, 16 to 64 letters, digits, - and _; `key` a key's name.

    `asked_at` is unix seconds, and `asked_by` the id of the key that the customer is signed in with.
    """

    id: str
    action: KeyAction
    project_uid: str
    namespace: str
    project: str
    key: str
    asked_at: float
    asked_by: str


@dataclass(frozen=True, slots=True)
class KeyAnswer:
    """How far a request is, in a sentence for the customer; `key` is the new key in clear, at its first showing."""

    state: KeyAnswerState
    reason: str
    key: str | None = field(default=None, repr=False)


_WAITING = KeyAnswer("Waiting", "The request waits to be done.")


class KeyRequests:
    """Everything that is said to Redis about requests. Every method raises `redis.RedisError` while it is away."""

    def __init__(self, redis: Redis, keyring: Keyring) -> None:
        self._redis: Any = redis  # redis-py types what the same method gives with and without asyncio as one
        self._keyring = keyring

    async def ask(self, request: KeyRequest) -> None:
        """Leave a request; one that was left before, by its id, stays as it is.

        Raises `TooManyRequestsError`, and `ValueError` for an id of another form.
        """
        if not _ID.fullmatch(request.id):
            raise ValueError(f"the id {request.id!r} of a request must be 16 to 64 letters, digits, - and _")
        owner = _owner("request", request.project_uid, request.id)
        sealed = self._keyring.seal(json.dumps(asdict(request)).encode(), owner=owner)
        names = (*_open(request.project_uid), keys.key_answer(request.project_uid, request.id))
        arguments = (request.id, sealed, request.project_uid, MOST_OPEN, WAITS_SECONDS)
        if await self._redis.eval(_ASK, len(names), *names, *arguments) == b"full":
            raise TooManyRequestsError(
                f"project {request.project_uid!r} has {MOST_OPEN} open requests: wait until they are done"
            )

    async def pending(self) -> list[KeyRequest]:
        """The requests that wait, the oldest first. What does not open, or is not what it says, is passed over."""
        waiting: list[KeyRequest | None] = []
        for member in await self._redis.smembers(keys.KEY_REQUESTS_PROJECTS):
            uid = _text(member)
            fields = await self._redis.hgetall(keys.key_requests(uid))
            if not fields:
                await self._redis.eval(_PRUNE, 2, *_open(uid), uid)
            waiting += [self._opened(uid, _text(id_), _text(sealed)) for id_, sealed in fields.items()]
        return sorted((one for one in waiting if one is not None), key=lambda one: (one.asked_at, one.id))

    async def answer(self, request: KeyRequest, answer: KeyAnswer) -> None:
        """Say what became of a request; only the first answer counts."""
        place = request.project_uid, request.id
        told = json.dumps({"state": answer.state, "reason": answer.reason}).encode()
        sealed = self._keyring.seal(told, owner=_owner("answer", *place))
        key = "" if answer.key is None else self._keyring.seal(answer.key.encode(), owner=_owner("key", *place))
        names = (*_open(request.project_uid), keys.key_answer(*place))
        arguments = (request.id, request.project_uid, sealed, key, ANSWER_SECONDS)
        await self._redis.eval(_ANSWER, len(names), *names, *arguments)

    async def take(self, project_uid: str, request_id: str) -> KeyAnswer | None:
        """How far a request of this project is; a new key is in the first such answer alone. None: no such request."""
        if not _ID.fullmatch(request_id):
            return None
        names = (keys.key_requests(project_uid), keys.key_answer(project_uid, request_id))
        reply = [_text(one) for one in await self._redis.eval(_TAKE, len(names), *names, request_id)]
        match reply:
            case ["waiting"]:
                return _WAITING
            case ["answered", sealed, key]:
                return self._answered(project_uid, request_id, sealed, key)
            case _:
                return None

    def _answered(self, project_uid: str, request_id: str, sealed: str, key: str) -> KeyAnswer | None:
        try:
            told = json.loads(self._keyring.open(sealed, owner=_owner("answer", project_uid, request_id)))
            clear = self._keyring.open(key, owner=_owner("key", project_uid, request_id)).decode() if key else None
        except EnvelopeError:
            return None
        return KeyAnswer(cast("KeyAnswerState", told["state"]), told["reason"], clear)

    def _opened(self, project_uid: str, request_id: str, sealed: str) -> KeyRequest | None:
        try:
            plain = self._keyring.open(sealed, owner=_owner("request", project_uid, request_id))
            found = KeyRequest(**json.loads(plain))
        except (EnvelopeError, ValueError, TypeError):
            return None
        return found if (found.project_uid, found.id) == (project_uid, request_id) else None


def _owner(what: str, project_uid: str, request_id: str) -> str:
    return f"key-{what}/{project_uid}/{request_id}"


def _open(project_uid: str) -> tuple[str, str]:
    return keys.key_requests(project_uid), keys.KEY_REQUESTS_PROJECTS


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
