"""What the gateways of a test serve: published as the operator publishes it, and awaited as the operator awaits it."""

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harness.builders import Customer, make_project, make_route, make_upstream
from harness.gateway import GatewayProcess
from havuz_contract import keys
from havuz_contract.connection import connect
from havuz_contract.publish import Publisher
from havuz_contract.snapshot.envelope import Keyring
from havuz_contract.snapshot.models import Project, Route, Snapshot, Target, Upstream

_ACKNOWLEDGE_SECONDS = 10.0
# Every key that may live for ever; any other must have a TTL.
PERMANENT = frozenset(
    {
        keys.UPSTREAMS,
        keys.ROUTES,
        keys.PROJECTS,
        keys.META,
        keys.CHANGES,
        keys.FLEET,
        keys.FLEET_SEEN,
        keys.ACKS,
        keys.VERDICTS,
        keys.METERED_PROJECTS,
        keys.TASKS,
        keys.KEY_REQUESTS_PROJECTS,
        keys.TASK_TURNS,
        keys.TASKS_QUEUED,
    }
)


class World:
    """The configuration of one test. Publishing it replaces whatever the test before had published.

    `await world.apply(upstream, route, customer)` adds or replaces parts and returns once every gateway serves them.
    """

    def __init__(
        self,
        *,
        redis_url: str,
        encryption_keys: str,
        gateways: Iterable[GatewayProcess] = (),
        ca_file: Path | None = None,
    ) -> None:
        self.redis = connect(redis_url, name="test", ca_file=ca_file, answer_seconds=2 * _ACKNOWLEDGE_SECONDS)
        self.gateways = list(gateways)
        self.snapshot = Snapshot()
        self.revision = 0
        self._publisher = Publisher(self.redis, Keyring.parse(encryption_keys))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.redis.aclose()

    async def apply(self, *parts: Upstream | Route | Project | Customer) -> int:
        """Add or replace parts by uid, publish, and wait until every gateway has acknowledged that revision."""
        return await self._publish(self._with(parts))

    async def remove(self, *uids: str) -> int:
        """Take parts out, publish, and wait like `apply`."""
        left: dict[str, Any] = {
            kind: {uid: part for uid, part in getattr(self.snapshot, kind).items() if uid not in uids}
            for kind in ("upstreams", "routes", "projects")
        }
        return await self._publish(Snapshot.model_construct(None, **left))

    async def serve(self, *base_urls: str, **route_fields: Any) -> tuple[Customer, Route]:
        """The usual case: one upstream per URL (none: the mock), one route over all of them, one customer."""
        upstreams = [make_upstream(url) for url in base_urls] or [make_upstream()]
        target = Target(upstreams=tuple(upstream.uid for upstream in upstreams), model="upstream-model")
        route, customer = make_route(target, **route_fields), make_project()
        await self.apply(*upstreams, route, customer)
        return customer, route

    async def loaded(self, revision: int) -> None:
        """Return once every gateway of this world runs `revision` or a later one."""
        async with asyncio.timeout(_ACKNOWLEDGE_SECONDS):
            newest: Any = await self.redis.xrevrange(keys.ACKS, count=1)
            last = newest[0][0] if newest else b"0"
            waiting = {name for gateway in self.gateways for name in gateway.fleet_ids} - await self._running(revision)
            while waiting:
                answer: Any = await self.redis.xread({keys.ACKS: last}, block=0)
                for _, entries in answer:
                    for entry_id, fields in entries:
                        last = entry_id
                        if int(fields[b"revision"]) >= revision:
                            waiting.discard(fields[b"gateway"].decode())

    async def immortal_keys(self) -> set[str]:
        """Keys without a TTL that are not listed as permanent; there should be none."""
        found: set[str] = set()
        async for key in self.redis.scan_iter(count=1_000):
            name = key.decode()
            if name not in PERMANENT and not keys.is_permanent_of_project(name) and await self.redis.ttl(key) == -1:
                found.add(name)
        return found

    def _with(self, parts: Iterable[Upstream | Route | Project | Customer]) -> Snapshot:
        upstreams, routes = dict(self.snapshot.upstreams), dict(self.snapshot.routes)
        projects = dict(self.snapshot.projects)
        for part in parts:
            match part:
                case Upstream():
                    upstreams[part.uid] = part
                case Route():
                    routes[part.uid] = part
                case Project():
                    projects[part.uid] = part
                case Customer():
                    projects[part.project.uid] = part.project
                case _:
                    raise TypeError(f"no part of a snapshot: {part!r}")
        return Snapshot.model_construct(upstreams=upstreams, routes=routes, projects=projects)

    async def _publish(self, snapshot: Snapshot) -> int:
        self.snapshot = snapshot
        self.revision = await self._publisher.publish(snapshot)
        await self.loaded(self.revision)
        return self.revision

    async def _running(self, revision: int) -> set[str]:
        reports: Any = await self.redis.hgetall(keys.FLEET)
        return {name.decode() for name, text in reports.items() if json.loads(text)["revision"] >= revision}
