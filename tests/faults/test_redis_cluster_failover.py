"""Redis Cluster: one of the primaries dies under traffic."""

import asyncio
from collections.abc import Iterator

import pytest
import redis

from harness.fixtures import StartGateway
from harness.metering import UNIT
from harness.money_round import open_shop
from harness.paying import eventually
from harness.redis_cluster import ClusterInstallation
from harness.world import World
from havuz_contract import keys
from havuz_contract.cluster import ClusterClient

_WITHOUT_PRIMARY_SECONDS = 30.0


@pytest.fixture(autouse=True)
def whole(cluster: ClusterInstallation) -> Iterator[None]:
    """Each test finds and leaves every node running."""
    yield
    cluster.heal()


async def test_a_primary_that_dies_under_traffic_is_replaced_and_the_books_balance(
    cluster: ClusterInstallation, cluster_world: World, start_gateway: StartGateway
) -> None:
    gateway = start_gateway(redis_url=cluster.url)
    cluster_world.gateways.append(gateway)
    shop = await open_shop(cluster_world, pays_for=10_000)
    assert [await shop.ask(gateway) for _ in range(20)] == [200] * 20
    traffic = asyncio.create_task(shop.ask_through_a_failover(gateway), name="traffic")
    await asyncio.to_thread(cluster.holder_of(keys.account(shop.uid)).stop)
    statuses = await traffic
    assert set(statuses) == {200, 503}
    served = 20 + statuses.count(200)
    proof = await shop.settled(served)  # also what the replica had not heard of
    assert (proof.faults, proof.events, proof.account.spent) == ((), served, served * UNIT)
    assert proof.account.balance + proof.account.reserved + proof.account.spent == 10_000 * UNIT
    later = await open_shop(cluster_world, pays_for=1)
    assert [await later.ask(gateway), await later.ask(gateway)] == [200, 402]


async def test_a_client_outlives_whichever_node_it_asks_about_the_others(
    cluster: ClusterInstallation, cluster_world: World
) -> None:
    client = cluster_world.redis
    assert await client.xread({keys.CHANGES: "0"})
    assert isinstance(client, ClusterClient)
    adviser = client.get_default_node().port
    next(node for node in cluster.nodes if node.port == adviser).stop()

    async def read_again() -> bool:
        try:
            return bool(await client.xread({keys.CHANGES: "0"}))
        except redis.RedisError:
            return False

    await eventually(read_again, _WITHOUT_PRIMARY_SECONDS)
