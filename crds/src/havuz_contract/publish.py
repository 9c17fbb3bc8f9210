"""Publishing: the difference between two snapshots into Redis, in one atomic step.

Called by the operator's reconcile loop and by local mode. A transaction (all keys share one hash tag, so it works on
Redis Cluster) writes the hash fields, raises the revision and adds one entry to the stream of changes, which
gateways follow.
"""

import json
from collections.abc import Mapping

from redis.asyncio import Redis

from havuz_contract import keys
from havuz_contract.snapshot import wire
from havuz_contract.snapshot.diff import Difference, difference
from havuz_contract.snapshot.envelope import EnvelopeError, Keyring
from havuz_contract.snapshot.models import SCHEMA_VERSION, Part, Snapshot


class Publisher:
    """Writes snapshots. Holds what is published, so that an unchanged snapshot costs no round trip.

    One publisher writes at a time: the operator's leader election, or the one local process, sees to that.
    """

    def __init__(self, redis: Redis, keyring: Keyring) -> None:
        self._redis = redis
        self._keyring = keyring
        self._published: Snapshot | None = None
        self._revision = 0

    @property
    def revision(self) -> int:
        """The revision last published or found in Redis; 0 before the first."""
        return self._revision

    async def publish(self, snapshot: Snapshot) -> int:
        """Make `snapshot` what gateways serve; returns its revision (the former one when nothing changed).

        Raises `redis.RedisError`; the next call then starts from what Redis really holds.
        """
        if self._published is None:
            self._published, self._revision = await self._load()
        change = difference(self._published, snapshot)
        if change or self._revision == 0:
            self._published = None  # an error below leaves open what was written: load again next time
            self._revision = await self._write(change)
        self._published = snapshot
        return self._revision

    async def is_current(self) -> bool:
        """Say whether Redis still holds the revision last published; if not, the next `publish` writes all anew.

        Ask now and then: a Redis that lost its data does not say so. Raises `redis.RedisError`.
        """
        held = int(await self._redis.hget(keys.META, "revision") or 0)
        if held != self._revision:
            self._published = None
        return held == self._revision

    async def _load(self) -> tuple[Snapshot, int]:
        """What Redis holds. What does not open or parse, or was sealed with a former key, is taken for changed."""
        parts: dict[str, dict[str, Part]] = {}
        for hash_key in wire.HASHES:
            fields: Mapping[bytes | str, bytes | str] = await self._redis.hgetall(hash_key)
            parts[hash_key] = {}
            for uid, text in fields.items():
                parts[hash_key][_text(uid)] = self._decode(hash_key, text)
        revision = await self._redis.hget(keys.META, "revision")
        return wire.assemble(parts), int(revision or 0)

    def _decode(self, hash_key: str, text: bytes | str) -> Part:
        try:
            if not wire.is_sealed_with_current(hash_key, text, self._keyring):
                return Part()
            return wire.decode(hash_key, text, self._keyring)
        except (EnvelopeError, ValueError, KeyError):
            return Part()

    async def _write(self, change: Difference) -> int:
        async with self._redis.pipeline(transaction=True) as pipe:
            entry: dict[str, dict[str, list[str]]] = {}
            for hash_key in wire.HASHES:
                upsert = change.upsert.get(hash_key, {})
                delete = change.delete.get(hash_key, ())
                if upsert:
                    pipe.hset(hash_key, mapping={uid: wire.encode(part, self._keyring) for uid, part in upsert.items()})
                if delete:
                    pipe.hdel(hash_key, *delete)
                if upsert or delete:
                    entry[hash_key] = {"set": list(upsert), "del": list(delete)}
            pipe.hset(keys.META, "schema_version", str(SCHEMA_VERSION))
            pipe.hincrby(keys.META, "revision", 1)
            pipe.xadd(keys.CHANGES, {"change": json.dumps(entry)}, maxlen=keys.CHANGES_KEPT, approximate=True)
            results = await pipe.execute()
        return int(results[-2])


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
