"""A gateway's way with callbacks, in the test's own process."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from havuz_contract.background import Background
from havuz_contract.snapshot.envelope import Keyring
from havuz_gateway.callbacks.delivery import Callbacks
from havuz_gateway.callbacks.queue import CallbackQueue, Delivery
from havuz_gateway.callbacks.signing import WebhookSecrets
from havuz_gateway.transport.addresses import read_networks
from havuz_gateway.transport.guarded_fetch import GuardedFetcher

OUTSIDE = "127.0.0.2"
SOON = (0.0, 0.0, 0.0)


class Sender:
    """What one gateway has to do with callbacks. `lease` in seconds."""

    def __init__(self, redis: Redis, encryption_keys: str, *, delays: Sequence[float], lease: float) -> None:
        keyring = Keyring.parse(encryption_keys)
        self.queue = CallbackQueue(redis, keyring, lease_seconds=lease)
        self.secrets = WebhookSecrets(keyring)
        self.gone: set[str] = set()
        self.callbacks = Callbacks(
            self.queue,
            self.secrets,
            GuardedFetcher(allow=read_networks(OUTSIDE)),
            versions=lambda uid: None if uid in self.gone else (2, 1),
            delays=delays,
            wall=time.time,
            rng=random.Random(1),
        )

    async def settled(self, project: str, task: str) -> Delivery:
        """How a callback ended, once it has."""
        async with asyncio.timeout(30):
            while (found := await self.queue.delivery(project, task)) is None or found.state == "pending":
                await asyncio.sleep(0.02)
        return found


@asynccontextmanager
async def sending(
    redis: Redis, encryption_keys: str, *, delays: Sequence[float] = SOON, lease: float = 60.0
) -> AsyncIterator[Sender]:
    made = Sender(redis, encryption_keys, delays=delays, lease=lease)
    async with Background({"callbacks": made.callbacks.run}):
        yield made
