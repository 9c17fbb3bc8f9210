"""The running gateway and its configuration: changes, outages, restarts, and what is never written in clear."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from harness.builders import Customer, make_project, make_route, make_upstream
from harness.caller import calling
from harness.fake_provider import FakeProvider
from harness.gateway import GatewayProcess
from harness.valkey import ValkeyServer
from harness.world import World
from havuz_contract import keys
from havuz_contract.snapshot.envelope import Keyring
from havuz_contract.snapshot.models import Route

Served = tuple[Customer, Route]


async def status_of(gateway: GatewayProcess, served: Served) -> int:
    customer, route = served
    async with calling(gateway.base_url, customer.live) as caller:
        body = {"model": route.model, "messages": [{"role": "user", "content": "hi"}]}
        return (await caller.post("/v1/chat/completions", body)).status


@pytest.fixture
def server(start_valkey: Callable[..., ValkeyServer]) -> ValkeyServer:
    """A Valkey that the test may stop."""
    return start_valkey()


@pytest.fixture
async def own_world(server: ValkeyServer, encryption_keys: str) -> AsyncIterator[World]:
    async with World(redis_url=server.url, encryption_keys=encryption_keys) as made:
        yield made


async def test_a_change_is_served_within_a_second(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve()
    replacement = make_route(*(part for part in route.targets), name="replacement")
    begun = time.monotonic()
    await world.apply(replacement)
    assert await status_of(gateway, (customer, replacement)) == 200
    assert time.monotonic() - begun < 1.0


async def test_a_removed_key_is_refused_at_once(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve()
    assert await status_of(gateway, (customer, route)) == 200
    await world.remove(customer.project.uid)
    assert await status_of(gateway, (customer, route)) == 401


async def test_the_loss_of_redis_stops_nothing(
    server: ValkeyServer, own_world: World, start_gateway: Callable[..., GatewayProcess]
) -> None:
    served = await own_world.serve()
    gateway = start_gateway(redis_url=server.url)
    server.stop()
    assert await status_of(gateway, served) == 200
    assert gateway.readiness()[0] == 200


async def test_a_gateway_starts_from_its_disk_while_redis_is_away(
    server: ValkeyServer, own_world: World, start_gateway: Callable[..., GatewayProcess], tmp_path: Path
) -> None:
    served = await own_world.serve()
    first = start_gateway(redis_url=server.url, state_dir=str(tmp_path))
    first.terminate()
    assert await first.wait() == 0
    server.stop()
    second = start_gateway(redis_url=server.url, state_dir=str(tmp_path))
    assert await status_of(second, served) == 200


async def test_a_wrong_encryption_key_is_not_ready_and_says_so(
    server: ValkeyServer, own_world: World, start_gateway: Callable[..., GatewayProcess]
) -> None:
    await own_world.serve("http://127.0.0.1:1/v1")
    gateway = start_gateway(redis_url=server.url, encryption_keys=Keyring.generate("another"), wait=False)
    async with asyncio.timeout(30):
        while "could be opened" not in gateway.readiness()[1]:
            await asyncio.sleep(0.05)
    status, sentence = gateway.readiness()
    assert status == 503
    assert "give this gateway the encryption keys that the operator seals with" in sentence


async def test_a_credential_is_nowhere_in_clear(
    server: ValkeyServer,
    own_world: World,
    provider: FakeProvider,
    start_gateway: Callable[..., GatewayProcess],
    tmp_path: Path,
) -> None:
    upstream = make_upstream(
        provider.base_url, credential="credential-in-clear", headers={"x-org": "organisation-in-clear"}
    )
    route, customer = make_route(upstream), make_project()
    await own_world.apply(upstream, route, customer)
    gateway = start_gateway(redis_url=server.url, state_dir=str(tmp_path), log_level="debug")
    assert await status_of(gateway, (customer, route)) == 200
    assert provider.requests[0].headers["authorization"] == "Bearer credential-in-clear"
    gateway.terminate()
    assert await gateway.wait() == 0
    await own_world.redis.save()
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert kept, "the gateway kept nothing on disk"
    written = (server.directory / "dump.rdb").read_bytes() + kept + gateway.log.encode()
    assert upstream.uid.encode() in written, "it does not show what was published"
    for secret in (b"credential-in-clear", b"organisation-in-clear", customer.live.encode()):
        assert secret not in written


async def test_a_gateway_is_in_the_fleet_until_it_ends(
    server: ValkeyServer, own_world: World, start_gateway: Callable[..., GatewayProcess]
) -> None:
    revision = await own_world.apply(make_project())
    gateway = start_gateway(redis_url=server.url)
    own_world.gateways.append(gateway)
    await own_world.loaded(revision)
    name = gateway.gateway_id.encode()
    assert await own_world.redis.zscore(keys.FLEET_SEEN, name) == pytest.approx(time.time(), abs=5)
    gateway.terminate()
    assert await gateway.wait() == 0
    assert await own_world.redis.hgetall(keys.FLEET) == {}
    assert await own_world.redis.zscore(keys.FLEET_SEEN, name) is None
