"""Publishing into a real Valkey: the difference alone, atomically, with credentials sealed."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from redis.asyncio import Redis

from harness.valkey import ValkeyServer
from havuz_contract import keys
from havuz_contract.publish import Publisher
from havuz_contract.snapshot import wire
from havuz_contract.snapshot.envelope import Keyring
from havuz_contract.snapshot.models import Project, Route, Snapshot, Upstream

RING = Keyring.parse(Keyring.generate("k1"))
SECRET = "sk-very-secret"
UPSTREAM = Upstream(uid="u1", name="ai/a", provider="openai", credential=SECRET, headers={"x-org": "org-secret"})
ROUTE = Route(uid="r1", name="ai/gpt", model="gpt")
PROJECT = Project(uid="p1", name="ai/shop")
SNAPSHOT = Snapshot(upstreams={"u1": UPSTREAM}, routes={"r1": ROUTE}, projects={"p1": PROJECT})


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    with ValkeyServer() as running:
        yield running


@pytest.fixture
async def redis(server: ValkeyServer) -> AsyncIterator[Any]:
    client = Redis.from_url(server.socket_url)
    await client.flushall()
    yield client
    await client.aclose()


async def last_change(redis: Any) -> Any:
    _, fields = (await redis.xrevrange(keys.CHANGES, count=1))[0]
    return json.loads(fields[b"change"])


async def stored(redis: Any) -> Snapshot:
    parts: dict[str, dict[str, Any]] = {}
    for hash_key in wire.HASHES:
        fields = await redis.hgetall(hash_key)
        parts[hash_key] = {uid.decode(): wire.decode(hash_key, text, RING) for uid, text in fields.items()}
    return wire.assemble(parts)


async def test_what_is_published_is_what_a_gateway_reads(redis: Any) -> None:
    assert await Publisher(redis, RING).publish(SNAPSHOT) == 1
    assert await stored(redis) == SNAPSHOT
    assert await redis.hget(keys.META, "schema_version") == b"1"


async def test_no_credential_is_in_redis_in_clear(redis: Any) -> None:
    await Publisher(redis, RING).publish(SNAPSHOT)
    dumped = b"".join([await redis.dump(key) for key in await redis.keys("*")])
    assert b"ai/shop" in dumped
    assert SECRET.encode() not in dumped
    assert b"org-secret" not in dumped


async def test_an_unchanged_snapshot_is_not_written_again(redis: Any) -> None:
    publisher = Publisher(redis, RING)
    await publisher.publish(SNAPSHOT)
    commands = (await redis.info("stats"))["total_commands_processed"]
    assert await publisher.publish(SNAPSHOT.model_copy(deep=True)) == 1
    assert (await redis.info("stats"))["total_commands_processed"] == commands + 1  # the INFO before


async def test_a_change_names_only_the_objects_that_changed(redis: Any) -> None:
    publisher = Publisher(redis, RING)
    await publisher.publish(SNAPSHOT)
    changed = Snapshot(upstreams={"u1": UPSTREAM.model_copy(update={"weight": 5})}, routes={"r1": ROUTE}, projects={})
    assert await publisher.publish(changed) == 2
    assert await last_change(redis) == {
        keys.UPSTREAMS: {"set": ["u1"], "del": []},
        keys.PROJECTS: {"set": [], "del": ["p1"]},
    }
    assert await stored(redis) == changed


async def test_an_empty_first_snapshot_is_a_revision_too(redis: Any) -> None:
    assert await Publisher(redis, RING).publish(Snapshot()) == 1


async def test_a_new_publisher_goes_on_from_what_redis_holds(redis: Any) -> None:
    await Publisher(redis, RING).publish(SNAPSHOT)
    successor = Publisher(redis, RING)
    assert await successor.publish(SNAPSHOT) == 1
    assert await successor.publish(Snapshot()) == 2


async def test_a_damaged_or_foreign_field_is_written_anew(redis: Any) -> None:
    await Publisher(redis, RING).publish(SNAPSHOT)
    await redis.hset(keys.UPSTREAMS, "u1", "garbage")
    await redis.hset(keys.ROUTES, "stale", "{}")
    assert await Publisher(redis, RING).publish(SNAPSHOT) == 2
    assert await stored(redis) == SNAPSHOT


async def test_credentials_are_sealed_anew_when_the_old_key_is_gone(redis: Any) -> None:
    await Publisher(redis, Keyring.parse(Keyring.generate("old"))).publish(SNAPSHOT)
    assert await Publisher(redis, RING).publish(SNAPSHOT) == 2
    assert await stored(redis) == SNAPSHOT


async def test_credentials_are_sealed_anew_after_a_rotation_of_the_key(redis: Any) -> None:
    old, new = Keyring.generate("old"), Keyring.generate("new")
    await Publisher(redis, Keyring.parse(old)).publish(SNAPSHOT)
    both = Keyring.parse(f"{new},{old}")
    assert await Publisher(redis, both).publish(SNAPSHOT) == 2
    assert both.sealed_with_current(json.loads(await redis.hget(keys.UPSTREAMS, "u1"))["sealed"])
    assert await Publisher(redis, both).publish(SNAPSHOT) == 2


async def test_what_redis_lost_is_written_again_once_that_is_known(redis: Any) -> None:
    publisher = Publisher(redis, RING)
    await publisher.publish(SNAPSHOT)
    await redis.flushall()
    assert not await publisher.is_current()
    await publisher.publish(SNAPSHOT)
    assert await publisher.is_current()
    assert await stored(redis) == SNAPSHOT
