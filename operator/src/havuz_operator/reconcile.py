"""The loop: debounce, compile, publish. Level-triggered and idempotent: it looks at the whole world each time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from math import inf

from havuz_contract.compiler.compile import Compiled, Memo, ObjectStatus, Resources
from havuz_contract.compiler.compile import compile as compile_snapshot
from havuz_contract.snapshot.models import Part, Project
from havuz_contract.v1alpha1.meta import KubeObject, ObjectRef
from havuz_operator.publication import Publication
from havuz_operator.world import World

_log = logging.getLogger(__name__)

_RETRY_SECONDS = (0.1, 0.3, 1.0, 3.0, 10.0)

KeepKeys = Callable[[Compiled], Awaitable[bool]]
Credit = Callable[[Mapping[str, Project]], Awaitable[None]]


class Reconciler:
    """Keeps what gateways serve equal to what the world says. `on_compiled` is called after each round.

    `keep_keys` makes and rotates project keys, and says whether it did; `credit` applies the credits of what is
    published.
    """

    def __init__(
        self,
        *,
        world: World,
        publication: Publication,
        keep_keys: KeepKeys,
        credit: Credit,
        on_compiled: Callable[[], None],
        clock: Callable[[], datetime],
        debounce: float,
    ) -> None:
        self._compiled: Compiled | None = None
        self._compiled_from: dict[ObjectRef, KubeObject] = {}
        self._world = world
        self._publication = publication
        self._keep_keys = keep_keys
        self._credit = credit
        self._on_compiled = on_compiled
        self._clock = clock
        self._debounce = debounce
        self._memo: Memo = {}
        self._next_end = inf

    async def run(self) -> None:
        """Run until cancelled. Whatever fails is logged and tried again, ever more slowly."""
        failures = 0
        while True:
            await self._rest()
            await asyncio.sleep(self._debounce)
            self._world.changed.clear()
            try:
                await self._round()
            except Exception as error:  # whatever it was, the next round starts from the world again
                pause = _RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)]
                failures += 1
                expected = type(error).__module__.startswith("redis")
                told = {"error": str(error), "again_in_seconds": pause}
                _log.error("the configuration or its credits could not be published", extra=told, exc_info=not expected)
                self._on_compiled()
                await asyncio.sleep(pause)
                self._world.changed.set()
            else:
                failures = 0

    def status(self, source: KubeObject) -> ObjectStatus | None:
        """What the last compile said of exactly this version of an object; None when it has not seen it."""
        if self._compiled is None or self._compiled_from.get(source.ref) is not source:
            return None
        return self._compiled.statuses.get(source.ref)

    @property
    def ran(self) -> bool:
        """Whether there has been a compile."""
        return self._compiled is not None

    def part(self, uid: str) -> Part | None:
        """What the last compile made of an object for the gateways; None: nothing."""
        if self._compiled is None:
            return None
        snapshot = self._compiled.snapshot
        return snapshot.upstreams.get(uid) or snapshot.routes.get(uid) or snapshot.projects.get(uid)

    async def _rest(self) -> None:
        """Return when the world has changed, or when a key ends, which changes what is to be said of it."""
        seconds = None if self._next_end == inf else max(0.0, self._next_end - self._clock().timestamp())
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._world.changed.wait()

    async def _round(self) -> None:
        compiled = await self._publish()
        if await self._keep_keys(compiled):
            compiled = await self._publish()
        await self._credit(compiled.snapshot.projects)
        self._on_compiled()

    async def _publish(self) -> Compiled:
        """Compile the world as it is, and make it what gateways serve. Nobody's change waits for the keys of others."""
        compiled, resources = await self._compile()
        objects: tuple[KubeObject, ...] = (*resources.upstream_keys, *resources.model_routes, *resources.projects)
        self._compiled, self._compiled_from = compiled, {one.ref: one for one in objects}
        before = self._publication.revision
        await self._publication.publish(compiled.snapshot)
        if self._publication.revision != before:
            _log.info("published", extra={"revision": self._publication.revision})
        return compiled

    async def _compile(self) -> tuple[Compiled, Resources]:
        resources, secrets = self._world.resources(), self._world.secrets()
        now = self._clock()
        compiled = await asyncio.to_thread(compile_snapshot, resources, secrets, now, memo=self._memo)
        self._next_end = _next_end(compiled.snapshot.projects.values(), now.timestamp())
        return compiled, resources


def _next_end(projects: Iterable[Project], now: float) -> float:
    """When the next key of these projects ends, in unix seconds; infinity: none does."""
    ends = (key.expires_at for project in projects for key in project.keys if key.expires_at is not None)
    return min((end for end in ends if end > now), default=inf)
