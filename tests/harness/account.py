"""Customers who pay, their past, and the commands that look into their books."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from harness.builders import Customer, make_route
from harness.metering import Clock, admission, metering, settled
from havuz_contract import accounts, keys
from havuz_contract.snapshot.models import Project, ProjectKey
from havuz_gateway.metering.redis_meter import RedisMeter
from havuz_gateway.protocols.usage import Usage

HAVUZ = (sys.executable, "-c", "import sys; from havuz_gateway.cli import main; sys.exit(main())")
_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str


async def havuz(*arguments: str, cwd: str | None = None, **environment: str) -> Ended:
    """Run `havuz …` to its end."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HAVUZ_", "OTEL_"))}
    process = await asyncio.create_subprocess_exec(
        *(*HAVUZ, *arguments),
        cwd=cwd,
        env=clean | environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(_PATIENCE_SECONDS):
        out, err = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


async def top_up(redis: Redis, customer: Customer) -> None:
    """Apply the customer's credits as the operator does."""
    await accounts.apply_credits(redis, [customer.project], now=time.time())


async def usage_event(redis: Redis, customer: Customer) -> dict[bytes, bytes]:
    """The first usage event, once there is one."""
    after = b"0"
    while True:
        answer: Any = await redis.xread({keys.usage_stream(customer.project.uid): after}, block=10_000)
        assert answer, "no usage event came"
        for after, fields in answer[0][1]:  # noqa: B007 - the next round begins after the last one
            if fields[b"type"] == b"usage":
                found: dict[bytes, bytes] = fields
                return found


class Past:
    """Writes what a project used some time ago, as the gateways of that time did."""

    def __init__(self, meter: RedisMeter, clock: Clock) -> None:
        self._meter = meter
        self._clock = clock

    async def used(self, project: Project, key: ProjectKey, *, at: float, model: str, cost: int = 0,
                   **fields: Any) -> None:  # fmt: skip
        """One request at a unix time, of 10 tokens in (4 cached, 1 stored) and 5 out."""
        self._clock.now = at
        asked = admission(project, key, ceiling=cost, now=at, route=make_route(name=model))
        used = Usage(input=10, output=5, cache_read=4, cache_write=1)
        await settled(self._meter, await self._meter.admit(asked), cost, usage=used, **fields)


@asynccontextmanager
async def past(url: str) -> AsyncIterator[Past]:
    """A meter in the past, on the books of `url`."""
    clock = Clock()
    async with metering(url, wall=clock, clock=clock.script_time) as meter:
        yield Past(meter, clock)


def rows(answer: dict[str, Any], *names: str) -> list[Sequence[Any]]:
    """Some columns of the rows of an answer."""
    return [tuple(row[name] for name in names) for row in answer["data"]]
