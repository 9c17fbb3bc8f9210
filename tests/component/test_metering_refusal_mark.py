"""A balance that did not pay for a request leaves a mark in the account, until it pays again."""

import pytest
from redis.asyncio import Redis

from harness.metering import UNIT, account_of, admission, credit, customer, metering, prepaid
from harness.valkey import ValkeyServer
from havuz_gateway.errors import InsufficientBalance


async def test_a_refusal_is_marked_until_a_request_is_let_in(valkey: ValkeyServer) -> None:
    project, key = customer(prepaid(UNIT))
    async with Redis.from_url(valkey.url) as redis, metering(valkey.url) as meter:
        await credit(redis, project)
        with pytest.raises(InsufficientBalance):
            await meter.admit(admission(project, key, ceiling=2 * UNIT))
        assert (await account_of(redis, project)).refused > 0
        await meter.admit(admission(project, key, ceiling=UNIT))
        assert (await account_of(redis, project)).refused == 0
