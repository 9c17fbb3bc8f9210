"""A gateway whose disk takes nothing more, while Redis is away and settles have to be kept."""

import asyncio
import resource

from harness.fixtures import StartGateway
from harness.gateway import GatewayProcess
from harness.metering import prepaid
from harness.paying import paying
from harness.shopper import SHOPPER_PRICE, Shopper
from harness.valkey import ValkeyServer
from harness.world import World
from havuz_contract.snapshot.models import Failover, Price

SETTINGS = {"reservation_margin": "1", "sweep_interval": "0.5", "meter_timeout": "0.5"}
ROOM = 8_000  # bytes: about ten settles


def _let_files_grow(gateway: GatewayProcess, beyond: int | None) -> None:
    """As a full disk would: none of its files grows beyond so many bytes more than its log has now."""
    most = resource.RLIM_INFINITY if beyond is None else len(gateway.log.encode()) + beyond
    resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


async def test_what_a_full_disk_refuses_is_not_lost_and_no_more_is_begun(
    start_valkey: type[ValkeyServer], start_gateway: StartGateway, encryption_keys: str
) -> None:
    server = start_valkey("--appendonly", "yes", "--appendfsync", "always")
    async with World(redis_url=server.url, encryption_keys=encryption_keys) as world:
        await world.apply()
        gateway = await asyncio.to_thread(start_gateway, redis_url=server.url, **SETTINGS)
        world.gateways.append(gateway)
        async with paying(
            world,
            gateway,
            billing=prepaid(10_000, on_meter_down="Serve"),
            prices=(Price(unit="USD", per_request=SHOPPER_PRICE),),
            route={"failover": Failover(total=2.0, first_token=2.0)},
        ) as customer:
            shopper = Shopper(customer)
            assert await shopper.ask() == {200}
            server.stop()
            _let_files_grow(gateway, ROOM)
            await shopper.asks_until_all_are(503)
            while_full = shopper.statuses[200]
            assert await shopper.ask() == {503}
            _let_files_grow(gateway, None)
            await shopper.asks_until_all_are(200)  # written down by now, and there is room for more
            assert shopper.statuses[200] > while_full
            await asyncio.to_thread(server.start)
            await world.redis.connection_pool.disconnect()
            await shopper.prove()
