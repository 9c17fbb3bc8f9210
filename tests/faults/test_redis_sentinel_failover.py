"""Redis with Sentinels: the primary dies under traffic, and a replica takes over."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from harness.fixtures import StartGateway
from harness.metering import UNIT
from harness.money_round import open_shop
from harness.sentinels import SentinelInstallation
from harness.world import World


@pytest.fixture
def sentinels() -> Iterator[SentinelInstallation]:
    with SentinelInstallation() as made:
        yield made


@pytest.fixture
async def own_world(sentinels: SentinelInstallation, encryption_keys: str) -> AsyncIterator[World]:
    async with World(redis_url=sentinels.url, encryption_keys=encryption_keys) as made:
        await made.apply()
        yield made


async def test_a_failover_under_traffic_is_survived_and_the_books_balance(
    sentinels: SentinelInstallation, own_world: World, start_gateway: StartGateway
) -> None:
    gateway = start_gateway(redis_url=sentinels.url)
    own_world.gateways.append(gateway)
    shop = await open_shop(own_world, pays_for=10_000)
    assert [await shop.ask(gateway) for _ in range(20)] == [200] * 20
    traffic = asyncio.create_task(shop.ask_through_a_failover(gateway), name="traffic")
    await asyncio.to_thread(sentinels.primary.stop)
    statuses = await traffic
    assert set(statuses) == {200, 503}
    served = 20 + statuses.count(200)
    proof = await shop.settled(served)  # also what the replica had not heard of
    assert (proof.faults, proof.events, proof.account.spent) == ((), served, served * UNIT)
    assert proof.account.balance + proof.account.reserved + proof.account.spent == 10_000 * UNIT
    later = await open_shop(own_world, pays_for=1)  # a change that the gateway hears of from the new primary
    assert [await later.ask(gateway), await later.ask(gateway)] == [200, 402]
