"""What the steps of the pipeline work with, wired once by the composition root."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from havuz_contract.key_requests import KeyRequests
from havuz_gateway.callbacks.delivery import Callbacks
from havuz_gateway.config.view import View
from havuz_gateway.files.links import Links
from havuz_gateway.files.object_store import ObjectStore
from havuz_gateway.metering.last_used import LastUsed
from havuz_gateway.metering.meter import Meter
from havuz_gateway.metering.usage import UsageReader
from havuz_gateway.pipeline.drain import Drains
from havuz_gateway.pool.pool import Pool
from havuz_gateway.pool.types import Member
from havuz_gateway.responses.store import ResponseStore
from havuz_gateway.tasks.queue import TaskQueue
from havuz_gateway.tasks.signature import Signatures
from havuz_gateway.tasks.store import TaskStore
from havuz_gateway.telemetry.recorder import Telemetry
from havuz_gateway.transport.guarded_fetch import GuardedFetcher


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits on what a provider may send: bytes of a whole answer, and of one event of a stream."""

    max_response_bytes: int = 64 * 1024 * 1024
    max_event_bytes: int = 8 * 1024 * 1024


class Planning(Protocol):
    """What planning a request needs of the outside; see `Services`."""

    @property
    def view(self) -> Callable[[], View]:
        """The configuration in force now."""

    @property
    def pool(self) -> Pool:
        """The upstreams of that configuration, and their health."""

    @property
    def test_member(self) -> Callable[[], Member]:
        """Makes the upstream of one request of a test key."""

    @property
    def wall(self) -> Callable[[], float]:
        """Unix seconds."""


@dataclass(frozen=True, slots=True)
class Services:
    """The outside of the pipeline.

    `view` answers the configuration in force now; `test_member` makes a mock upstream for one request of a test key;
    `fetcher` is the only way to a URL that a client supplied; `now` is monotonic seconds, `wall` unix seconds.
    `reservation_margin` is the seconds that a reservation outlives its request's deadline; `public_url` is what links
    to files begin with, empty where each request's own host is taken; `image_model` is the public model of orders that
    name none.
    """

    view: Callable[[], View]
    pool: Pool
    meter: Meter
    usage: UsageReader
    last_used: LastUsed
    key_requests: KeyRequests
    responses: ResponseStore
    files: ObjectStore
    links: Links
    fetcher: GuardedFetcher
    tasks: TaskStore
    queue: TaskQueue
    signatures: Signatures
    callbacks: Callbacks
    telemetry: Telemetry
    test_member: Callable[[], Member]
    now: Callable[[], float]
    wall: Callable[[], float]
    bounds: Bounds = Bounds()
    reservation_margin: float = 60.0
    drains: Drains = field(default_factory=Drains)
    public_url: str = ""
    image_model: str = "gpt-image-1.5"
    rng: random.Random = field(default_factory=random.Random)
