"""Sentinels and a Redis Cluster over TLS: found, served and billed as on one server."""

import asyncio
from collections.abc import Iterator

import pytest
import redis

from harness.fixtures import StartGateway
from harness.metering import UNIT
from harness.money_round import open_shop
from harness.redis_tls import TlsCluster, TlsSentinels
from harness.world import World
from havuz_contract.connection import connect

Installation = TlsSentinels | TlsCluster


@pytest.fixture(scope="module", params=[TlsSentinels, TlsCluster], ids=["sentinel", "cluster"])
def installation(request: pytest.FixtureRequest) -> Iterator[Installation]:
    with request.param() as made:
        yield made


async def test_requests_are_served_and_billed_over_tls(
    installation: Installation, encryption_keys: str, start_gateway: StartGateway
) -> None:
    ca_file = installation.relays.ca_file
    async with World(redis_url=installation.url, encryption_keys=encryption_keys, ca_file=ca_file) as world:
        await world.apply()
        gateway = await asyncio.to_thread(
            start_gateway, redis_url=installation.url, redis_ca_file=str(ca_file), meter_timeout="5"
        )
        world.gateways.append(gateway)
        for _ in range(3):  # in a cluster, most probably on several nodes
            shop = await open_shop(world, pays_for=2)
            assert [await shop.ask(gateway) for _ in range(3)] == [200, 200, 402], gateway.log[-3000:]
            proof = await shop.settled(2)
            assert (proof.faults, proof.settled, proof.account.balance) == ((), 2 * UNIT, 0)


async def test_an_unknown_authority_is_refused(installation: Installation) -> None:
    with pytest.raises((redis.RedisError, OSError)):
        async with connect(installation.url, name="test") as client:
            await client.ping()


async def test_nobody_answers_without_tls(installation: Installation) -> None:
    plain = installation.url.replace("rediss+", "redis+")
    with pytest.raises((redis.RedisError, OSError)):
        async with connect(plain, name="test") as client:
            await client.ping()
