"""Redis that is there and no help: slow, full, or a replica. Whoever can't be counted is refused, or served and counted
when Redis is well again; every answered request is billed once.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from harness.fake_provider import DeadPort
from harness.fixtures import StartGateway
from harness.metering import prepaid
from harness.paying import paying
from harness.shopper import SHOPPER_PRICE, Shopper
from harness.slow_way import SlowWay
from harness.valkey import ValkeyServer
from harness.world import World
from havuz_contract.snapshot.models import Failover, Price

SETTINGS = {"reservation_margin": "1", "sweep_interval": "0.5", "meter_timeout": "1"}
DEADLINE = Failover(total=2.0, first_token=2.0)


@dataclass(frozen=True, slots=True)
class Shoppers:
    """One that is refused without Redis and one that is served."""

    refused: Shopper
    served: Shopper

    async def live_through(self, begin: Callable[[], Awaitable[object]], end: Callable[[], Awaitable[object]]) -> None:
        """All is well, then it is not, then it is again; the books are proved afterwards."""
        assert (await self.refused.ask(), await self.served.ask()) == ({200}, {200})
        await begin()
        await self.refused.asks_until_all_are(503)
        began = time.monotonic()
        assert (await self.refused.ask(), await self.served.ask()) == ({503}, {200})
        assert time.monotonic() - began < 4.0
        await end()
        await self.refused.asks_until_all_are(200)
        await self.served.asks_until_all_are(200)
        await self.refused.prove()
        await self.served.prove()


@asynccontextmanager
async def _shoppers(
    gateway: StartGateway, encryption_keys: str, server: ValkeyServer, port: int
) -> AsyncIterator[Shoppers]:
    """A gateway that is told to find Redis at `port`; the test itself goes to the server."""
    async with World(redis_url=server.url, encryption_keys=encryption_keys) as world:
        await world.apply()
        process = await asyncio.to_thread(gateway, redis_url=f"redis://127.0.0.1:{port}/0", **SETTINGS)
        world.gateways.append(process)
        prices = (Price(unit="USD", per_request=SHOPPER_PRICE),)
        route = {"failover": DEADLINE}
        serving = prepaid(10_000, on_meter_down="Serve")
        async with (
            paying(world, process, billing=prepaid(10_000), prices=prices, route=route) as refused,
            paying(world, process, billing=serving, prices=prices, route=route) as served,
        ):
            yield Shoppers(Shopper(refused), Shopper(served))


@pytest.fixture
def server(start_valkey: type[ValkeyServer]) -> ValkeyServer:
    return start_valkey()


async def test_a_redis_that_answers_too_late_counts_as_away(
    server: ValkeyServer, start_gateway: StartGateway, encryption_keys: str
) -> None:
    async with (
        SlowWay(server.port) as way,
        _shoppers(start_gateway, encryption_keys, server, way.port) as shoppers,
    ):

        async def takes(seconds: float) -> None:
            way.delay = seconds

        await takes(0.1)  # slow, and waited for
        await shoppers.live_through(lambda: takes(2.0), lambda: takes(0.0))


async def test_a_full_redis_refuses_and_forgets_nothing(
    server: ValkeyServer, start_gateway: StartGateway, encryption_keys: str
) -> None:
    async with _shoppers(start_gateway, encryption_keys, server, server.port) as shoppers:
        redis = shoppers.refused.paying.world.redis
        await shoppers.live_through(lambda: redis.config_set("maxmemory", 1), lambda: redis.config_set("maxmemory", 0))


async def test_a_primary_that_was_made_a_replica_is_left_alone_until_it_leads_again(
    server: ValkeyServer, start_gateway: StartGateway, encryption_keys: str
) -> None:
    with DeadPort() as dead:
        port = dead.base_url.rpartition(":")[2].removesuffix("/v1")
        async with _shoppers(start_gateway, encryption_keys, server, server.port) as shoppers:
            redis = shoppers.refused.paying.world.redis
            await shoppers.live_through(
                lambda: redis.replicaof("127.0.0.1", port), lambda: redis.replicaof("NO", "ONE")
            )
