"""Callbacks by the real gateway: what is enqueued is delivered by whichever process lives."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest

from harness.account import havuz
from harness.builders import make_project
from harness.gateway import GatewayProcess
from harness.strange_server import StrangeServer, fixed
from harness.valkey import ValkeyServer
from harness.webhooks import verifies
from harness.world import World
from havuz_contract.snapshot.envelope import Keyring
from havuz_gateway.callbacks.queue import CallbackQueue

OUTSIDE = "127.0.0.2"
BODY = '{"durum":"başarılı"}'.encode()


@pytest.fixture
async def receiver() -> AsyncIterator[StrangeServer]:
    async with StrangeServer(OUTSIDE) as server:
        server.answers["/hook"] = fixed(status=500)
        yield server


async def gateway_log(gateway: GatewayProcess, event: str) -> None:
    """Return once the gateway has logged the event."""
    async with asyncio.timeout(20):
        while event not in gateway.log:
            await asyncio.sleep(0.05)


async def test_a_callback_outlives_the_gateway_that_began_it(
    start_valkey: Callable[..., ValkeyServer],
    start_gateway: Callable[..., GatewayProcess],
    encryption_keys: str,
    receiver: StrangeServer,
) -> None:
    server, customer = start_valkey(), make_project(webhook_versions=(2, 1))
    settings = {"redis_url": server.url, "fetch_allow": f"{OUTSIDE}/32", "callback_delays": "0.1 0.1 60"}
    async with World(redis_url=server.url, encryption_keys=encryption_keys) as world:
        await world.apply(customer)
        queue = CallbackQueue(world.redis, Keyring.parse(encryption_keys))
        await queue.add(customer.project.uid, "task_1", url=receiver.url("/hook"), body=BODY)
        first = start_gateway(**settings)
        await receiver.wait_for(3)
        first.kill()
        receiver.answers["/hook"] = fixed()
        assert await queue.replay(customer.project.uid, "task_1")
        second = start_gateway(**settings)
        heard = (await receiver.wait_for(4))[3]
        assert "/hook" not in first.log + second.log
        assert await world.immortal_keys() == set()
    ended = await havuz(
        "webhooks", "secret", "--all", "--project", customer.project.name, "--redis-url", server.url,
        HAVUZ_ENCRYPTION_KEYS=encryption_keys,
    )  # fmt: skip
    assert heard.body == BODY
    assert all(verifies(secret, heard.headers, heard.body, now=time.time()) for secret in ended.out.split())


async def test_without_being_allowed_nothing_inside_is_called(
    start_valkey: Callable[..., ValkeyServer],
    start_gateway: Callable[..., GatewayProcess],
    encryption_keys: str,
    receiver: StrangeServer,
) -> None:
    server, customer = start_valkey(), make_project()
    async with World(redis_url=server.url, encryption_keys=encryption_keys) as world:
        await world.apply(customer)
        queue = CallbackQueue(world.redis, Keyring.parse(encryption_keys))
        await queue.add(customer.project.uid, "inside", url=receiver.url("/hook"), body=BODY)
        gateway = start_gateway(redis_url=server.url)
        await gateway_log(gateway, "a callback was given up")
        found = await queue.delivery(customer.project.uid, "inside")
    assert found is not None
    assert (found.state, len(found.attempts)) == ("failed", 1)
    assert receiver.heard == []
