"""What `/metrics` shows of money and of the meter, scraped from a real gateway."""

import asyncio

from harness.fixtures import StartGateway
from harness.gateway import GatewayProcess
from harness.metering import prepaid
from harness.paying import eventually, paying
from harness.scrape import scrape
from harness.valkey import ValkeyServer
from harness.world import World
from havuz_contract.snapshot.models import Price

FLAT = (Price(unit="USD", per_request=10**9),)


async def _money(gateway: GatewayProcess, project: str) -> dict[str, float]:
    """Balance, reserved and spent of a project, as far as they are shown."""
    seen = await scrape(gateway)
    return {
        name: sample.value
        for name in ("balance", "reserved", "spent")
        if (family := seen.get(f"havuz_project_{name}")) is not None
        for sample in family.samples
        if sample.labels == {"havuz_project": project, "havuz_unit": "USD"}
    }


async def test_the_money_of_a_project_that_asked_is_shown_and_of_no_other(
    world: World, gateway: GatewayProcess
) -> None:
    async with (
        paying(world, gateway, billing=prepaid(3 * 10**9), prices=FLAT) as customer,
        paying(world, gateway, billing=prepaid(3 * 10**9), prices=FLAT) as silent,
    ):
        await world.apply(customer.route, customer.customer)
        assert (await customer.ask()).status == 200
        await customer.closed(1)
        name = customer.customer.project.name

        async def shown() -> bool:
            return await _money(gateway, name) == {"balance": 2.0, "reserved": 0.0, "spent": 1.0}

        await eventually(shown, 20)
        assert await _money(gateway, silent.customer.project.name) == {}


async def test_a_project_that_pays_nothing_has_no_series(world: World, gateway: GatewayProcess) -> None:
    free = prepaid(0).model_copy(update={"plan": "Unmetered"})
    async with (
        paying(world, gateway, billing=free, prices=()) as customer,
        paying(world, gateway, prices=FLAT) as other,
    ):
        assert (await customer.ask()).status == 200
        await world.apply(other.route, other.customer)
        assert (await other.ask()).status == 200

        async def read_since() -> bool:
            return await _money(gateway, other.customer.project.name) != {}

        await eventually(read_since, 20)
        assert await _money(gateway, customer.customer.project.name) == {}


async def test_the_journal_and_the_loss_of_redis_are_shown(
    start_valkey: type[ValkeyServer], start_gateway: StartGateway, encryption_keys: str
) -> None:
    server = start_valkey("--appendonly", "yes")
    async with World(redis_url=server.url, encryption_keys=encryption_keys) as world:
        await world.apply()
        gateway = await asyncio.to_thread(start_gateway, redis_url=server.url, meter_timeout="0.5")
        world.gateways.append(gateway)
        serving = prepaid(10**10).model_copy(update={"on_meter_down": "Serve"})
        async with paying(world, gateway, billing=serving, prices=FLAT) as customer:
            assert (await customer.ask()).status == 200
            assert await _meter(gateway) == {"up": 1, "journal_bytes": 0, "lost": 0}
            await asyncio.to_thread(server.stop)
            assert (await customer.ask()).status == 200

            async def journalled() -> bool:
                shown = await _meter(gateway)
                return shown["up"] == 0 and shown["journal_bytes"] > 0

            await eventually(journalled, 10)
            await asyncio.to_thread(server.start)

            async def replayed() -> bool:
                return await _meter(gateway) == {"up": 1, "journal_bytes": 0, "lost": 0}

            await eventually(replayed, 15)


async def _meter(gateway: GatewayProcess) -> dict[str, float]:
    seen = await scrape(gateway)
    assert seen["havuz_meter_in_flight"].samples[0].value >= 0
    return {name: seen[f"havuz_meter_{name}"].samples[0].value for name in ("up", "journal_bytes", "lost")}
