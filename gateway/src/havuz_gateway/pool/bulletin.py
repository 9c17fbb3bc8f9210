"""What gateways tell each other of upstreams, and how: on a stream in Redis, with what is in force beside it."""

import hashlib
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Any

from pydantic import BaseModel, ConfigDict
from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from havuz_contract import keys

USABLE = "Usable"
FIELD = b"verdict"
_ENDED_BY_USABLE = ("Rejected", "Open")
_USABLE_SECONDS = 2.0  # in which a second one says nothing new
# How much longer a block must be to be worth telling again, of what is left of it.
_SLACK_SECONDS, _SLACK_SHARE, _SLACK_MAX_SECONDS = 0.25, 0.1, 60.0


class SharedVerdict(BaseModel):
    """What one gateway found. `model` None means the whole key; `state` `Usable` takes back what was said before."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    gateway: str
    upstream: str  # uid
    name: str  # namespace/name
    connection: str  # of which address and credential: a new credential is not judged by the old one's faults
    scope: str  # key | key-model | upstream: its base URL, and so each key that calls it
    model: str | None = None  # the upstream model, for scope key-model
    state: str  # CoolingDown | Exhausted | Rejected | Open | Unreachable | ModelMissing | Usable
    until: float  # unix seconds
    reason: str = ""
    status: int | None = None  # the provider's HTTP status
    message: str = ""

    @property
    def subject(self) -> str:
        """Whom it is about, and in which state: the same for all gateways that find the same."""
        return _subject(self, self.state)

    @property
    def ends(self) -> tuple[str, ...]:
        """The subjects of what is over with it."""
        return tuple(_subject(self, state) for state in (_ENDED_BY_USABLE if self.state == USABLE else (USABLE,)))

    def holds_until(self, now: float) -> float:
        """Until when it says something; `now` is unix seconds."""
        return now + _USABLE_SECONDS if self.state == USABLE else self.until

    def slack(self, now: float) -> float:
        """How many seconds sooner the same, told before, may end for this to be no news."""
        if self.state == USABLE:
            return _USABLE_SECONDS
        return min(_SLACK_SECONDS + _SLACK_SHARE * max(0.0, self.until - now), _SLACK_MAX_SECONDS)


def _subject(said: SharedVerdict, state: str) -> str:
    model = said.model or ""
    scope = "key" if state == USABLE or said.state == USABLE else said.scope
    return "|".join((said.upstream, said.connection, scope, "" if state == USABLE else model, state))


class Bulletin:
    """Tells verdicts, each once however many gateways find it out."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._script = resources.files(__package__).joinpath("scripts", "tell.lua").read_text(encoding="utf-8")
        self._sha = hashlib.sha1(self._script.encode(), usedforsecurity=False).hexdigest()

    async def tell(self, verdicts: Sequence[SharedVerdict], now: float) -> int:
        """Tell those that are news; returns how many were. `now` is unix seconds. Raises `redis.RedisError`."""
        names = (keys.VERDICTS, keys.VERDICTS_IN_FORCE, keys.VERDICTS_ENDS)
        arguments = (
            keys.VERDICTS_KEPT,
            keys.VERDICTS_KEPT_SECONDS,
            now,
            *(part for said in verdicts for part in _parts(said, now)),
        )
        try:
            told: Any = await self._redis.evalsha(self._sha, len(names), *names, *arguments)
        except NoScriptError:
            told = await self._redis.eval(self._script, len(names), *names, *arguments)
        return int(told)


def _parts(said: SharedVerdict, now: float) -> Iterable[str | float]:
    in_force = "0" if said.state == USABLE else "1"
    ended = "\n".join(said.ends)
    return said.subject, said.holds_until(now), said.slack(now), ended, in_force, said.model_dump_json()
