"""A gateway that takes orders, and workers that come and die as a test likes."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from harness.fixtures import publish_nothing
from harness.gateway import GatewayProcess
from harness.metering import prepaid
from harness.paying import Paying, paying
from harness.tasks import PRICES, ROUTE, studio
from harness.valkey import ValkeyServer
from harness.world import World
from havuz_contract import keys

LEASE = "2"


@contextmanager
def studio_alone(encryption_keys: str, files: Path, **settings: str) -> Iterator[tuple[GatewayProcess, str]]:
    """A gateway that does tasks, and the URL of its own Redis: on a shared one, others would do them as well."""
    with ValkeyServer() as server:
        asyncio.run(publish_nothing(server, encryption_keys))
        with studio(server.url, encryption_keys, files, **settings) as process:
            yield process, server.url


class Studio:
    """A gateway without workers, its customer, and workers as the test starts them."""

    def __init__(self, stack: ExitStack, valkey: ValkeyServer, encryption_keys: str, files: Path) -> None:
        self._stack = stack
        self._keys = encryption_keys
        self._files = files
        self.valkey = valkey
        self.front = self._start("proxy")
        self.customer: Paying

    async def worker(self, **settings: str) -> GatewayProcess:
        """One more worker, which serves the configuration."""
        made = await asyncio.to_thread(self._start, "worker", **settings)
        self.customer.world.gateways.append(made)
        await self.customer.world.loaded(self.customer.world.revision)
        return made

    def lost(self, worker: GatewayProcess) -> None:
        """A worker dies."""
        worker.kill()
        self.customer.world.gateways.remove(worker)

    def _start(self, role: str, **settings: str) -> GatewayProcess:
        given = {"role": role, "task_lease": LEASE, "sweep_interval": "0.5", **settings}
        return self._stack.enter_context(studio(self.valkey.url, self._keys, self._files, **given))


@asynccontextmanager
async def workshop_of(
    encryption_keys: str, tmp_path: Path, *, server: tuple[str, ...] = (), credit: int = 10
) -> AsyncIterator[Studio]:
    """A workshop over a Redis of its own, which is started with the options `server`; `credit` is in USD."""
    with ExitStack() as stack:
        valkey = stack.enter_context(ValkeyServer(*server))
        await asyncio.to_thread(lambda: asyncio.run(publish_nothing(valkey, encryption_keys)))
        of = await asyncio.to_thread(Studio, stack, valkey, encryption_keys, tmp_path)
        async with (
            World(redis_url=valkey.url, encryption_keys=encryption_keys, gateways=[of.front]) as world,
            paying(world, of.front, prices=PRICES, route=ROUTE, billing=prepaid(credit * 10**9)) as of.customer,
        ):
            yield of


async def queue_is_empty(customer: Paying) -> bool:
    """Whether nothing is left for workers to do."""
    return bool(await customer.world.redis.zcard(keys.TASKS_QUEUED) == 0 == await customer.world.redis.xlen(keys.TASKS))
