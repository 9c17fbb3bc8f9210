"""Sessions: which key's record a token stands for. Neither the key nor the token is ever in Redis.

A session names the key by its SHA-256, as the configuration does: once that key is reset, revoked or has expired, every
session of it is over, because the record is no longer there. One that asked for the reset itself may still fetch what
came of it, and nothing else.
"""

import json
from collections.abc import Awaitable
from dataclasses import astuple, dataclass, replace
from typing import Any

import redis
from redis.asyncio import Redis

from havuz_contract import keys
from havuz_contract.snapshot.envelope import EnvelopeError, Keyring
from havuz_gateway.errors import ServiceUnavailable
from havuz_gateway.sessions.tokens import Tokens, digest

_RETRY_SECONDS = 2.0
LONGEST_SECONDS = 12 * 3600


@dataclass(frozen=True, slots=True)
class Awaited:
    """A request to reset the very key of a session, by its project's uid: its answer outlives the key."""

    project_uid: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in since `started` (unix seconds), as the key with this SHA-256 (hex)."""

    token: str
    key_sha256: str
    started: float
    awaited: Awaited | None = None


class Sessions:
    """Keeps sessions until they are left alone for `seconds`, and never longer than `LONGEST_SECONDS`.

    Every method that asks Redis raises `ServiceUnavailable` while it is away.
    """

    def __init__(self, client: Redis, keyring: Keyring, tokens: Tokens, *, seconds: float) -> None:
        self._redis: Any = client  # redis-py types what the same method gives with and without asyncio as one
        self._keyring = keyring
        self.tokens = tokens
        self._seconds = int(seconds)

    async def start(self, key_sha256: str, *, now: float) -> Session:
        """A new session with a token that nobody had before; `now` is unix seconds."""
        session = Session(self.tokens.make(), key_sha256, now)
        await self._write(session)
        return session

    async def find(self, token: str, *, now: float) -> Session | None:
        """The session of a token, which lives on for being asked for; None where there is none."""
        if not self.tokens.is_ours(token):
            return None
        name = keys.session(digest(token))
        sealed = await _asked(self._redis.getex(name, ex=self._seconds))
        if sealed is None:
            return None
        try:
            record = json.loads(self._keyring.open(sealed.decode(), owner=name))
            awaited = Awaited(*record["awaited"]) if record.get("awaited") else None
            session = Session(token, record["key"], record["started"], awaited)
        except (EnvelopeError, ValueError, KeyError):
            return None  # sealed with a key that was taken out of the keyring
        if now - session.started > LONGEST_SECONDS:
            await self.end(token)
            return None
        return session

    async def wait_for(self, session: Session, awaited: Awaited) -> None:
        """Note what a session waits for."""
        await self._write(replace(session, awaited=awaited))

    async def end(self, token: str) -> None:
        """Sign out. Safe to repeat."""
        if self.tokens.is_ours(token):
            await _asked(self._redis.delete(keys.session(digest(token))))

    async def _write(self, session: Session) -> None:
        name = keys.session(digest(session.token))
        awaited = astuple(session.awaited) if session.awaited is not None else None
        record = json.dumps({"key": session.key_sha256, "started": session.started, "awaited": awaited})
        await _asked(self._redis.set(name, self._keyring.seal(record.encode(), owner=name), ex=self._seconds))


async def _asked(reply: Awaitable[Any]) -> Any:
    try:
        return await reply
    except (redis.RedisError, OSError):
        raise ServiceUnavailable(
            "nobody can be signed in at the moment: try again in a few seconds", retry_after=_RETRY_SECONDS
        ) from None
