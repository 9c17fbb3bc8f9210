"""The loop: debounce, compile, publish. Level-triggered and idempotent: it looks at the whole world each time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from math import inf

from havuz_contract.compiler.compile import Compiled, Memo, ObjectStatus, Resources
from havuz_contract.compiler.compile import compile as compile_snapshot
from havuz_contract.compiler.outcome import differing
from havuz_contract.snapshot.models import Part, Project
from havuz_contract.v1alpha1.meta import KubeObject, ObjectRef
from havuz_operator.publication import Publication
from havuz_operator.world import World

_log = logging.getLogger(__name__)

_RETRY_SECONDS = (0.1, 0.3, 1.0, 3.0, 10.0)

KeepKeys = Callable[[Compiled], Awaitable[bool]]
Credit = Callable[[Mapping[str, Project]], Awaitable[None]]


class Reconciler:
    """Keeps what gateways serve equal to what the world says. `on_compiled` is called after each round, with what has
    come to something else by it; None: all may have.

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
        on_compiled: Callable[[Iterable[ObjectRef] | None], None],
        clock: Callable[[], datetime],
        debounce: float,
    ) -> None:
        self._compiled: Compiled | None = None
        self._seen = Seen()
        self._news: set[ObjectRef] | None = set()
        self._world = world
        self._publication = publication
        self._keep_keys = keep_keys
        self._credit = credit
        self._on_compiled = on_compiled
        self._clock = clock
        self._debounce = debounce
        self._memo = Memo()
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
                self._tell()
                await asyncio.sleep(pause)
                self._world.changed.set()
            else:
                failures = 0

    def status(self, source: KubeObject) -> ObjectStatus | None:
        """What the last compile said of exactly this version of an object; None when it has not seen it."""
        if self._compiled is None or not self._seen.holds(source):
            return None
        return self._compiled.statuses.get(source.ref)

    @property
    def ran(self) -> bool:
        """Whether there has been a compile."""
        return self._compiled is not None

    def part(self, uid: str) -> Part | None:
        """What the last compile made of an object for the gateways; None: nothing."""
        return None if self._compiled is None else self._compiled.snapshot.part(uid)

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
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, set()
        self._on_compiled(news)

    async def _publish(self) -> Compiled:
        """Compile the world as it is, and make it what gateways serve. Nobody's change waits for the keys of others."""
        compiled, resources = await self._compile()
        news = differing(self._compiled, compiled)
        self._compiled = compiled
        self._seen.take(resources)
        self._note(news)
        before = self._publication.revision
        published = await self._publication.publish(compiled.snapshot)
        if published > len(news):  # also what was published before: Redis had lost it
            self._note(None)
        if self._publication.revision != before:
            _log.info("published", extra={"revision": self._publication.revision})
        return compiled

    def _note(self, news: set[ObjectRef] | None) -> None:
        self._news = None if news is None or self._news is None else self._news | news

    async def _compile(self) -> tuple[Compiled, Resources]:
        resources, secrets = self._world.resources(), self._world.secrets()
        now = self._clock()
        compiled = await asyncio.to_thread(compile_snapshot, resources, secrets, now, memo=self._memo)
        self._next_end = compiled.next_end
        return compiled, resources


class Seen:
    """Which version of each object the last compile saw."""

    def __init__(self) -> None:
        self._kinds: dict[str, tuple[Sequence[KubeObject], dict[ObjectRef, KubeObject]]] = {}

    def take(self, resources: Resources) -> None:
        """Remember what has been compiled."""
        kinds = {"keys": resources.upstream_keys, "routes": resources.model_routes, "projects": resources.projects}
        for kind, objects in kinds.items():
            if kind not in self._kinds or self._kinds[kind][0] is not objects:
                self._kinds[kind] = (objects, {one.ref: one for one in objects})

    def holds(self, source: KubeObject) -> bool:
        """Whether it was exactly this one."""
        return any(by_ref.get(source.ref) is source for _, by_ref in self._kinds.values())
