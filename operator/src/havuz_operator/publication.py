"""What has been published, and since which revision each object's part is in it."""

import logging
from collections.abc import Callable

from redis.asyncio import Redis

from havuz_contract import keys
from havuz_contract.publish import Publisher
from havuz_contract.snapshot.diff import difference
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
        self._snapshot = Snapshot()
        self._since: dict[str, int] = {}
        self._floor: int | None = None
        self.revision = 0

    async def publish(self, snapshot: Snapshot) -> int:
        """Make `snapshot` what gateways serve; returns how many objects in it are new or other ones.

        Raises `redis.RedisError`; nothing is then remembered of it.
        """
        await self._recover()
        self.revision = await self._publisher.publish(snapshot)
        if self._floor is None:
            self._floor = self.revision
        change = difference(self._snapshot, snapshot)
        for uids in (*change.upsert.values(), *change.delete.values()):
            self._since.update(dict.fromkeys(uids, self.revision))
        self._snapshot = snapshot
        return sum(map(len, change.upsert.values()))

    @property
    def known(self) -> bool:
        """Whether it is known what gateways are to serve: true from the first success on."""
        return self._floor is not None

    def since(self, uid: str, part: Part | None) -> int | None:
        """The revision from which on gateways serve `part` (None: serve nothing of this uid); None: not published."""
        if self._floor is None:
            return None
        published = self._snapshot.part(uid)
        if published is not part and published != part:
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
        self._snapshot = Snapshot()
