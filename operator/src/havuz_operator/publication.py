"""What has been published, and since which revision each object's part is in it."""

import logging
from collections.abc import Callable, Iterator

from redis.asyncio import Redis

from havuz_contract import keys
from havuz_contract.publish import Publisher
from havuz_contract.snapshot.models import Part, Snapshot

_log = logging.getLogger(__name__)


class Publication:
    """Publishes snapshots, and remembers at which revision each part took its present form.

    Memory begins with the process: what was there before counts as new with the first revision it publishes or finds.
    """

    def __init__(self, redis: Redis, make_publisher: Callable[[], Publisher]) -> None:
        self._redis = redis
        self._make_publisher = make_publisher
        self._publisher = make_publisher()
        self._parts: dict[str, Part] = {}
        self._since: dict[str, int] = {}
        self._floor: int | None = None
        self.revision = 0

    async def publish(self, snapshot: Snapshot) -> None:
        """Make `snapshot` what gateways serve. Raises `redis.RedisError`; nothing is then remembered of it."""
        await self._recover()
        self.revision = await self._publisher.publish(snapshot)
        if self._floor is None:
            self._floor = self.revision
        parts = dict(_parts_of(snapshot))
        for uid in self._parts.keys() - parts.keys():
            self._since[uid] = self.revision
        for uid, part in parts.items():
            if uid not in self._parts or _differs(self._parts[uid], part):
                self._since[uid] = self.revision
        self._parts = parts

    @property
    def known(self) -> bool:
        """Whether it is known what gateways are to serve: true from the first success on."""
        return self._floor is not None

    def since(self, uid: str, part: Part | None) -> int | None:
        """The revision from which on gateways serve `part` (None: serve nothing of this uid); None: not published."""
        if self._floor is None or _differs(self._parts.get(uid), part):
            return None
        return self._since.get(uid, self._floor)

    async def _recover(self) -> None:
        """Start from nothing when Redis has lost what was published.

        The count of revisions goes on from where it was: a gateway must not take an old number for a new one.
        """
        if int(await self._redis.hget(keys.META, "revision") or 0) >= self.revision:
            return
        _log.warning("Redis has lost the configuration; publishing all of it again")
        await self._redis.hset(keys.META, "revision", str(self.revision))
        self._publisher = self._make_publisher()
        self._parts.clear()


def _parts_of(snapshot: Snapshot) -> Iterator[tuple[str, Part]]:
    for parts in (snapshot.upstreams, snapshot.routes, snapshot.projects):
        yield from parts.items()


def _differs(old: Part | None, new: Part | None) -> bool:
    return old is not new and old != new
