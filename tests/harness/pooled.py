"""Two scripted providers behind one route, the second asked only when the first does not answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from harness.builders import make_project, make_route, make_upstream
from harness.caller import Caller, Reply, calling
from harness.fake_provider import FakeProvider
from harness.gateway import GatewayProcess
from harness.world import World
from havuz_contract.snapshot.models import Breaker, Failover, Route, Target, Upstream


@dataclass(frozen=True, slots=True)
class Pooled:
    """A caller of a route whose first tier is `first` and whose second is `second`."""

    caller: Caller
    world: World
    route: Route
    upstreams: tuple[Upstream, Upstream]
    first: FakeProvider
    second: FakeProvider

    async def ask(self, *, stream: bool = False, **fields: Any) -> Reply:
        """One chat call."""
        messages = [{"role": "user", "content": "Hello!"}]
        return await self.caller.post(
            "/v1/chat/completions", {"model": self.route.model, "stream": stream, "messages": messages} | fields
        )

    @property
    def asked(self) -> tuple[int, int]:
        """How many chat calls each provider has seen."""
        return len(self.first.requests), len(self.second.requests)


@asynccontextmanager
async def pooled(
    world: World,
    gateway: GatewayProcess,
    *,
    first_url: str | None = None,
    breaker: Breaker | None = None,
    failover: Failover | None = None,
    second_target: dict[str, Any] | None = None,
    first_target: dict[str, Any] | None = None,
    upstream_fields: dict[str, Any] | None = None,
    second_fields: dict[str, Any] | None = None,
    project: dict[str, Any] | None = None,
) -> AsyncIterator[Pooled]:
    """Two providers, each a target of its own tier. `first_url` puts something else in the first one's place.

    `upstream_fields` are of both upstreams, `second_fields` of the second one only.
    """
    async with FakeProvider() as first, FakeProvider() as second:
        fields = {"breaker": breaker or Breaker(), **(upstream_fields or {})}
        upstreams = (
            make_upstream(first_url or first.base_url, **fields),
            make_upstream(second.base_url, **(fields | (second_fields or {}))),
        )
        targets = (
            Target(**{"upstreams": (upstreams[0].uid,), "model": "first-model", "priority": 0, **(first_target or {})}),
            Target(
                **{"upstreams": (upstreams[1].uid,), "model": "second-model", "priority": 1, **(second_target or {})}
            ),
        )
        route, customer = make_route(*targets, failover=failover or Failover()), make_project(**(project or {}))
        await world.apply(*upstreams, route, customer)
        async with calling(gateway.base_url, customer.live) as caller:
            yield Pooled(caller, world, route, upstreams, first, second)


def said(reply: Reply) -> str:
    """The text of a whole JSON answer or of a whole stream."""
    if reply.headers["content-type"].startswith("application/json"):
        content = reply.json["choices"][0]["message"]["content"]
        assert isinstance(content, str)
        return content
    deltas = [choice["delta"] for event in reply.events for choice in event["choices"]]
    return "".join(delta.get("content") or "" for delta in deltas)
