"""Delivers callbacks: signed, with pauses that grow over a day, by any gateway, at least once.

A 2xx ends it well and a 410 ends it at once, as does a URL that may not be called; whatever else is answered, or not
answered, is tried again: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

from redis.exceptions import RedisError

from havuz_gateway.callbacks.queue import Attempt, CallbackQueue, Claimed, Delivery
from havuz_gateway.callbacks.signing import WebhookSecrets, headers
from havuz_gateway.errors import ServiceUnavailable
from havuz_gateway.telemetry.backlogs import CallbacksQueued
from havuz_gateway.transport.guarded_fetch import FetchFailed, FetchRefused, GuardedFetcher

DELAYS = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 21_600.0)
"""Seconds between one attempt and the next, as the specification recommends them, up to a day."""

_log = logging.getLogger(__name__)
_POLL_SECONDS = 1.0
_STATE_SECONDS = 5.0
_ATTEMPT_SECONDS = 20.0
_AT_ONCE = 64
_PROJECT_AT_ONCE = (
    8  # at which a project is passed over, so that one customer's slow receivers do not make the others' wait
)
_GONE = 410
_JITTER = 0.1
_LONGEST_RETRY_AFTER = 86_400


class Callbacks:
    """Takes callbacks in, and delivers what is due while `run` runs.

    `versions` answers which versions of a project's secret sign, None for a project that is gone; `wall` is unix
    seconds.
    """

    def __init__(
        self,
        queue: CallbackQueue,
        secrets: WebhookSecrets,
        fetcher: GuardedFetcher,
        *,
        versions: Callable[[str], Sequence[int] | None],
        delays: Sequence[float] = DELAYS,
        wall: Callable[[], float],
        rng: random.Random,
    ) -> None:
        self._queue = queue
        self._secrets = secrets
        self._fetcher = fetcher
        self._versions = versions
        self._delays = tuple(delays)
        self._wall = wall
        self._rng = rng
        self._woken = asyncio.Event()
        self.state = CallbacksQueued(open=0, late_seconds=0.0, failed=0)  # as far as is known
        self._under_way: Counter[str] = Counter()

    async def enqueue(self, project_uid: str, task_id: str, *, url: str, body: bytes) -> None:
        """Have `body` (JSON) told to `url`, of which only the first call for a task counts.

        Call it before the task is closed, and again where that is not known to have succeeded: nothing is told twice
        by it. Raises `redis.RedisError`, and `ValueError` for an id that is not of letters, digits, `-` and `_`.
        """
        await self._queue.add(project_uid, task_id, url=url, body=body)
        self._woken.set()

    async def delivery(self, project_uid: str, task_id: str) -> Delivery | None:
        """How far the callback of a task is, with a log of its attempts; None where there is none so far.

        Raises `ServiceUnavailable`.
        """
        try:
            return await self._queue.delivery(project_uid, task_id)
        except (RedisError, OSError):
            raise ServiceUnavailable("callbacks can't be reached at the moment: try again later") from None

    async def watch(self) -> None:
        """Watch how much is queued, until cancelled."""
        while True:
            with suppress(RedisError, OSError):  # the last known state stays
                self.state = await self._queue.state()
            await asyncio.sleep(_STATE_SECONDS)

    async def run(self) -> None:
        """Deliver until cancelled. What is cut by that is delivered by another process, once the lease is over."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._woken.clear()
                room = _AT_ONCE - self._under_way.total()
                for claimed in await self._claim(room) if room else ():
                    self._under_way[claimed.project_uid] += 1
                    group.create_task(self._deliver(claimed), name=f"callback {claimed.task_id}")
                try:
                    async with asyncio.timeout(_POLL_SECONDS):
                        await self._woken.wait()
                except TimeoutError:
                    continue

    async def _claim(self, room: int) -> list[Claimed]:
        try:
            busy = [uid for uid, count in self._under_way.items() if count >= _PROJECT_AT_ONCE]
            return await self._queue.claim(room, of_one_project=_PROJECT_AT_ONCE, busy=busy)
        except (RedisError, OSError) as error:
            _log.warning("callbacks wait: Redis is away", extra={"error": str(error)})
            return []

    async def _deliver(self, claimed: Claimed) -> None:
        try:
            await self._attempt(claimed)
        except (RedisError, OSError) as error:
            # it is due again when the lease is over, and told once more if this was the end of a success
            _log.warning("the end of a callback is not known to Redis", extra=_place(claimed) | {"error": str(error)})
        finally:
            self._under_way[claimed.project_uid] -= 1
            if not self._under_way[claimed.project_uid]:
                del self._under_way[claimed.project_uid]
            self._woken.set()

    async def _attempt(self, claimed: Claimed) -> None:
        began = self._wall()
        status, error, retry_after, final = None, None, None, False
        try:
            posted = await self._fetcher.post(*self._letter(claimed, int(began)), seconds=_ATTEMPT_SECONDS)
            status, retry_after, final = posted.status, posted.retry_after, posted.status == _GONE
        except FetchRefused as refused:
            error, final = str(refused), True
        except FetchFailed as failed:
            error = str(failed)
        except Exception:  # one that can't be attempted must not stop the others
            _log.exception("an attempt of a callback failed unexpectedly", extra=_place(claimed))
            error = "the gateway failed on this attempt"
        attempt = Attempt(round(began, 3), round(max(self._wall() - began, 0.0), 3), status, error)
        if status is not None and 200 <= status < 300:
            await self._queue.finish(claimed, "delivered", attempt=attempt)
        elif final or claimed.tried >= len(self._delays):
            await self._queue.finish(claimed, "failed", attempt=attempt)
            told = {"status": status, "error": error, "attempts": claimed.tried + 1}
            _log.warning("a callback was given up", extra=_place(claimed) | told)
        else:
            pause = max(self._pause(claimed.tried), _seconds(retry_after))
            await self._queue.finish(claimed, "pending", attempt=attempt, next_in=pause)

    def _letter(self, claimed: Claimed, now: int) -> tuple[str, bytes, dict[str, str]]:
        """URL, body and headers of an attempt. Raises `FetchRefused` where there is nobody to sign for."""
        versions = self._versions(claimed.project_uid)
        if versions is None:
            raise FetchRefused("the project does not exist any more")
        if claimed.url is None:
            raise FetchRefused("the callback was sealed with an encryption key that is not in use any more")
        secrets = self._secrets.of(claimed.project_uid, versions)
        signed = headers(secrets, message_id=f"msg_{claimed.task_id}", timestamp=now, body=claimed.body)
        return claimed.url, claimed.body, {"content-type": "application/json", **signed}

    def _pause(self, tried: int) -> float:
        return self._delays[tried] * self._rng.uniform(1.0, 1.0 + _JITTER)


def _seconds(retry_after: str | None) -> float:
    """What a receiver asks to wait for, in seconds; a date, or more than a day, is not heeded."""
    if retry_after is None or not retry_after.isascii() or not retry_after.isdigit() or len(retry_after) > len("86400"):
        return 0.0
    return min(int(retry_after), _LONGEST_RETRY_AFTER)


def _place(claimed: Claimed) -> dict[str, object]:
    """What a log line says of a callback; never its URL, which may hold a secret."""
    return {"project": claimed.project_uid, "task": claimed.task_id}
