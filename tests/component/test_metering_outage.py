"""Redis away: refused at once, or served and settled later from the journal; nothing is lost or billed twice."""

import asyncio
import os
import time
from pathlib import Path

import pytest
from redis.asyncio import Redis

from harness.fixtures import StartGateway
from harness.metering import UNIT, account_of, admission, credit, customer, metering, prepaid, settled, settlement
from harness.paying import closed, eventually, paying
from harness.valkey import ValkeyServer
from harness.world import World
from havuz_contract.snapshot.models import Price
from havuz_gateway.errors import ServiceUnavailable
from havuz_gateway.metering.ledger import verify
from havuz_gateway.metering.redis_meter import RedisMeter

PERSISTENT = ("--appendonly", "yes", "--appendfsync", "always")


@pytest.fixture
def server(start_valkey: type[ValkeyServer]) -> ValkeyServer:
    return start_valkey(*PERSISTENT)


async def _away(meter: RedisMeter, server: ValkeyServer) -> None:
    server.stop()
    await _until(meter, up=False)


async def _back(meter: RedisMeter, server: ValkeyServer, redis: Redis) -> None:
    await asyncio.to_thread(server.start)
    await redis.connection_pool.disconnect()
    await _until(meter, up=True)
    await meter.flush()


async def _until(meter: RedisMeter, *, up: bool) -> None:
    async def so() -> bool:
        return meter._link.up is up

    await eventually(so, 10)


async def test_without_redis_a_request_is_refused_at_once_with_a_time_to_come_back(server: ValkeyServer) -> None:
    project, key = customer(prepaid(UNIT))
    async with metering(server.url) as meter:
        await _away(meter, server)
        began = time.monotonic()
        for _ in range(100):
            with pytest.raises(ServiceUnavailable) as refused:
                await meter.admit(admission(project, key, ceiling=1))
            assert refused.value.retry_after == 1.0
        assert time.monotonic() - began < 0.5


async def test_a_frozen_redis_is_waited_for_once(server: ValkeyServer) -> None:
    project, key = customer(prepaid(UNIT))
    async with metering(server.url, timeout=0.3) as meter, Redis.from_url(server.url) as redis:
        await credit(redis, project)
        server.pause()
        try:
            waits = []
            for _ in range(3):
                began = time.monotonic()
                with pytest.raises(ServiceUnavailable):
                    await meter.admit(admission(project, key, ceiling=1))
                waits.append(time.monotonic() - began)
            assert waits[0] < 0.6
            assert max(waits[1:]) < 0.1
        finally:
            server.resume()
        await _until(meter, up=True)
        assert (await meter.admit(admission(project, key, ceiling=UNIT - 1))).reserved
        assert (await verify(redis, project.uid)).faults == ()


async def test_what_was_served_without_redis_is_settled_when_it_is_back(server: ValkeyServer, tmp_path: Path) -> None:
    project, key = customer(prepaid(100, on_meter_down="Serve"))
    async with metering(server.url, spool_folder=tmp_path) as meter, Redis.from_url(server.url) as redis:
        await credit(redis, project)
        before = await meter.admit(admission(project, key, ceiling=10))
        await _away(meter, server)
        during = await meter.admit(admission(project, key, ceiling=10))
        assert not during.reserved
        for admitted, cost in ((before, 7), (during, 9), (during, 9)):
            meter.settle(admitted, settlement(cost))
        await _back(meter, server, redis)
        assert (await account_of(redis, project)).spent == 16
        proof = await verify(redis, project.uid)
        assert (proof.faults, proof.events, proof.open_requests) == ((), 2, 0)


async def test_what_the_balance_does_not_reach_for_is_written_down_and_never_below_zero(server: ValkeyServer) -> None:
    project, key = customer(prepaid(10, on_meter_down="Serve"))
    async with metering(server.url) as meter, Redis.from_url(server.url) as redis:
        await credit(redis, project)
        await _away(meter, server)
        for _ in range(3):
            meter.settle(await meter.admit(admission(project, key, ceiling=5)), settlement(5))
        await _back(meter, server, redis)
        proof = await verify(redis, project.uid)
        assert (proof.faults, proof.account.balance, proof.settled, proof.short) == ((), 0, 10, 5)


async def test_the_journal_of_a_killed_process_is_replayed_by_the_next(server: ValkeyServer, tmp_path: Path) -> None:
    project, key = customer(prepaid(100, on_meter_down="Serve"))
    async with Redis.from_url(server.url) as redis:
        await credit(redis, project)
        async with metering(server.url, spool_folder=tmp_path) as killed:
            reserved = await killed.admit(admission(project, key, ceiling=10))
            await _away(killed, server)
            served = await killed.admit(admission(project, key, ceiling=10))
            for admitted in (reserved, served):
                killed.settle(admitted, settlement(8))
            killed.spool._file.close()  # as the kernel does for a killed process: the lock goes, the lines stay
            killed.spool._file = (tmp_path / "other").open("w+b")
            killed.spool._size = killed.spool._read_at = 0
        await asyncio.to_thread(server.start)
        await redis.connection_pool.disconnect()
        async with metering(server.url, owner="gateway-b", spool_folder=tmp_path) as heir:
            await _until(heir, up=True)

            async def replayed() -> bool:
                return (await account_of(redis, project)).spent == 16

            await eventually(replayed, 5)
        proof = await verify(redis, project.uid)
        assert (proof.faults, proof.events) == ((), 2)
        assert [name for name in os.listdir(tmp_path) if name.endswith(".settles")] == []


async def test_a_full_journal_admits_no_more_without_redis(server: ValkeyServer) -> None:
    project, key = customer(prepaid(10**9, on_meter_down="Serve"))
    async with metering(server.url, spool_bytes=2_000) as meter, Redis.from_url(server.url) as redis:
        await credit(redis, project)
        await _away(meter, server)
        served = 0
        while not meter.spool.full:
            meter.settle(await meter.admit(admission(project, key, ceiling=5)), settlement(5))
            served += 1
        assert 0 < served < 20
        with pytest.raises(ServiceUnavailable):
            await meter.admit(admission(project, key, ceiling=5))
        assert meter.spool.lost == 0
        await _back(meter, server, redis)
        assert (await meter.admit(admission(project, key, ceiling=5))).reserved
        assert (await account_of(redis, project)).spent == served * 5


async def test_a_server_that_lost_its_scripts_is_sent_them_again(server: ValkeyServer) -> None:
    project, key = customer(prepaid(100))
    async with metering(server.url) as meter, Redis.from_url(server.url) as redis:
        await credit(redis, project)
        await redis.script_flush()
        admitted = await meter.admit(admission(project, key, ceiling=10))
        await redis.script_flush()
        await settled(meter, admitted, 4)
        assert (await account_of(redis, project)).spent == 4


async def test_a_request_that_was_let_in_too_late_is_taken_back(server: ValkeyServer) -> None:
    project, key = customer(prepaid(100))
    async with metering(server.url, timeout=5.0) as meter, Redis.from_url(server.url) as redis:
        await credit(redis, project)
        server.pause()
        asking = asyncio.create_task(meter.admit(admission(project, key, ceiling=10)), name="asking")
        await asyncio.sleep(0.05)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        server.resume()

        async def taken_back() -> bool:
            return not (await verify(redis, project.uid)).open_requests

        await eventually(taken_back, 5)
        account = await account_of(redis, project)
        assert (account.balance, account.reserved) == (100, 0)


async def test_a_gateway_serves_or_refuses_as_the_project_says_and_settles_all_of_it_later(
    start_valkey: type[ValkeyServer], start_gateway: StartGateway, encryption_keys: str
) -> None:
    server = start_valkey(*PERSISTENT)
    price = (Price(unit="USD", per_request=3),)
    async with World(redis_url=server.url, encryption_keys=encryption_keys) as world:
        await world.apply()
        process = await asyncio.to_thread(start_gateway, redis_url=server.url, meter_timeout="0.3")
        world.gateways.append(process)
        serving = prepaid(100, on_meter_down="Serve")
        async with paying(world, process, billing=serving, prices=price) as served:
            async with paying(world, process, billing=prepaid(100), prices=price) as refused:
                server.stop()

                async def noticed() -> bool:
                    return (await refused.ask()).status == 503

                await eventually(noticed, 10)
                reply = await refused.ask()
                assert (reply.error["type"], reply.headers["retry-after"]) == ("service_unavailable", "1")
                assert [(await served.ask()).status for _ in range(5)] == [200] * 5
            await asyncio.to_thread(server.start)
            await world.redis.connection_pool.disconnect()
            events = await closed(world, served.customer, 5)
            assert [event["cost"] for event in events] == ["3"] * 5
            assert (await served.account()).balance == 85
            assert (await served.proof()).faults == ()
