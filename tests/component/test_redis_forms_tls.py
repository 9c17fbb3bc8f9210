"""Redis over TLS, with a user of its access control list."""

from collections.abc import AsyncIterator, Iterator

import pytest
import redis

from harness.account import havuz
from harness.fixtures import StartGateway
from harness.metering import UNIT
from harness.money_round import open_shop
from harness.redis_tls import TlsServer
from harness.world import World
from havuz_contract.connection import connect


@pytest.fixture
def tls() -> Iterator[TlsServer]:
    with TlsServer() as server:
        yield server


@pytest.fixture
async def tls_world(tls: TlsServer, encryption_keys: str) -> AsyncIterator[World]:
    async with World(redis_url=tls.url, encryption_keys=encryption_keys, ca_file=tls.ca_file) as made:
        yield made


async def test_requests_are_served_and_billed_over_tls_as_a_named_user(
    tls: TlsServer, tls_world: World, start_gateway: StartGateway
) -> None:
    await tls_world.apply()
    gateway = start_gateway(redis_url=tls.url, redis_ca_file=str(tls.ca_file))
    tls_world.gateways.append(gateway)
    shop = await open_shop(tls_world, pays_for=2)
    assert [await shop.ask(gateway) for _ in range(3)] == [200, 200, 402]
    proof = await shop.settled(2)
    assert (proof.faults, proof.settled, proof.account.balance) == ((), 2 * UNIT, 0)


async def test_the_commands_trust_the_authority_that_gateways_do(tls: TlsServer) -> None:
    refused = await havuz("ledger", "verify", HAVUZ_REDIS_URL=tls.url)
    assert (refused.code, "certificate verify failed" in refused.err) == (2, True)
    own = {"HAVUZ_REDIS_URL": tls.url, "HAVUZ_REDIS_CA_FILE": str(tls.ca_file)}
    assert (await havuz("ledger", "verify", **own)).code == 0


async def test_an_authority_in_the_url_is_trusted_as_well(tls: TlsServer) -> None:
    async with connect(f"{tls.url}?ssl_ca_certs={tls.ca_file}", name="test") as client:
        assert await client.ping()


async def test_a_server_of_an_unknown_authority_is_refused(tls: TlsServer) -> None:
    async with connect(tls.url, name="test") as client:
        with pytest.raises(redis.ConnectionError, match="certificate verify failed"):
            await client.ping()


async def test_a_wrong_password_is_refused_without_showing_it(tls: TlsServer) -> None:
    wrong = tls.url.replace("p%40ss", "guessed")
    async with connect(wrong, name="test", ca_file=tls.ca_file) as client:
        with pytest.raises(redis.AuthenticationError) as refused:
            await client.ping()
    assert "guessed" not in str(refused.value)
