"""The stream of verdicts, followed from a real Valkey."""

import asyncio
import json

from redis.asyncio import Redis

from harness.valkey import ValkeyServer
from havuz_contract import keys
from havuz_contract.background import Background
from havuz_operator.health_report import HealthReport


async def test_the_book_is_fed_at_once_and_then_follows() -> None:
    with ValkeyServer() as server:
        async with Redis.from_url(server.url) as redis:
            changed = asyncio.Event()
            report = HealthReport(redis, on_change=changed.set)
            assert not report.book.fed
            async with asyncio.timeout(10), Background({"health": report.run}):
                await changed.wait()
                assert report.book.fed
                assert report.book.look("k", 100).state == "Usable"
                changed.clear()
                told = {
                    "upstream": "k",
                    "scope": "key",
                    "state": "Rejected",
                    "until": 900,
                    "message": "no",
                    "status": 401,
                }
                await redis.xadd(keys.VERDICTS, {"verdict": json.dumps(told)})
                await changed.wait()
                shown = report.book.look("k", 100)
                assert (shown.state, shown.last_status) == ("Rejected", 401)
