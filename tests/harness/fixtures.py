"""Fixtures of every tier that calls a running gateway; a tier's conftest imports the ones it wants."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from harness.fake_provider import FakeProvider
from harness.gateway import GatewayProcess
from harness.redis_cluster import ClusterInstallation
from harness.valkey import ValkeyServer
from harness.world import World
from havuz_contract.snapshot.envelope import Keyring

StartGateway = Callable[..., GatewayProcess]


@pytest.fixture(scope="session")
def encryption_keys() -> str:
    """The keyring text of this test worker."""
    return Keyring.generate()


@pytest.fixture(scope="session")
def valkey(encryption_keys: str) -> Iterator[ValkeyServer]:
    """One real Valkey per test worker, shared by its tests, with an empty configuration published."""
    with ValkeyServer() as server:
        asyncio.run(publish_nothing(server, encryption_keys))
        yield server


@pytest.fixture(scope="session")
def gateway(valkey: ValkeyServer, encryption_keys: str) -> Iterator[GatewayProcess]:
    """One real gateway per test worker, shared by its tests. A test that kills or configures it starts its own."""
    with GatewayProcess(redis_url=valkey.url, encryption_keys=encryption_keys, log_level="debug") as process:
        yield process


@pytest.fixture
def start_valkey() -> Iterator[Callable[..., ValkeyServer]]:
    """Starts servers that the test may stop, pause or empty."""
    with ExitStack() as stack:
        yield lambda *options: stack.enter_context(ValkeyServer(*options))


@pytest.fixture
def start_gateway(valkey: ValkeyServer, encryption_keys: str) -> Iterator[StartGateway]:
    """Starts gateways of the test's own: `start_gateway(drain_grace="5")`. `wait=False` returns before it is ready."""
    with ExitStack() as stack:

        def start(*, wait: bool = True, **settings: str) -> GatewayProcess:
            given: dict[str, Any] = {"redis_url": valkey.url, "encryption_keys": encryption_keys, **settings}
            process = GatewayProcess(**given)
            stack.callback(process.__exit__)
            process.start(wait=wait)
            return process

        yield start


@pytest.fixture
async def world(valkey: ValkeyServer, gateway: GatewayProcess, encryption_keys: str) -> AsyncIterator[World]:
    """The configuration of this test on the shared gateway."""
    async with World(redis_url=valkey.url, encryption_keys=encryption_keys, gateways=[gateway]) as made:
        yield made
        assert await made.immortal_keys() == set(), "a Redis key without a TTL is not listed in harness.world"


@pytest.fixture(scope="module")
def cluster() -> Iterator[ClusterInstallation]:
    """A Redis Cluster of its own for the tests of one file, which may break it."""
    with ClusterInstallation() as made:
        yield made


@pytest.fixture
async def cluster_world(cluster: ClusterInstallation, encryption_keys: str) -> AsyncIterator[World]:
    """The configuration of this test on that cluster; gateways are the test's own to start."""
    async with World(redis_url=cluster.url, encryption_keys=encryption_keys) as made:
        await made.apply()
        yield made


@pytest.fixture
async def provider() -> AsyncIterator[FakeProvider]:
    """A scripted provider on a loopback socket."""
    async with FakeProvider() as made:
        yield made


async def publish_nothing(server: ValkeyServer, encryption_keys: str) -> None:
    """A first revision without any object: without one, a gateway is not ready."""
    async with World(redis_url=server.url, encryption_keys=encryption_keys) as world:
        await world.apply()
