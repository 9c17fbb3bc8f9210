"""Every way in which a gateway is used, in turn: whole and streamed answers, relayed and translated, errors, clients
that hang up, keys that fail, metered requests, pages, and changes of the configuration.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from harness.builders import Customer, make_project, make_route, make_target, make_upstream
from harness.fake_provider import FakeProvider, Hang, Json, Message, MessageStream, Stream, error
from harness.gateway import GatewayProcess
from harness.metering import prepaid
from harness.world import World
from havuz_contract.accounts import apply_credits
from havuz_contract.money import MAX_NANOS
from havuz_contract.snapshot.models import Breaker, Limits, Price, Route

_MESSAGES = [{"role": "user", "content": "Merhaba, " * 40}]
_PRICE = Price(unit="USD", input=1_000, output=2_000)
_PACE_SECONDS = 0.01
Step = Callable[[], Awaitable[None]]


class UnexpectedAnswer(Exception):
    """The gateway answered otherwise than this load expects."""


@dataclass(frozen=True, slots=True)
class Routes:
    """One for each way: relayed, translated, refused by the provider, never answered, and with a key that fails."""

    relayed: Route
    translated: Route
    refused: Route
    hanging: Route
    failing: Route


class MixedLoad:
    """`round()` does each step once; `changes()` is one change of the configuration."""

    def __init__(
        self, world: World, gateway: GatewayProcess, provider: FakeProvider, routes: Routes, *customers: Customer
    ) -> None:
        self._world = world
        self._url = gateway.base_url
        self._provider = provider
        self._routes = routes
        self._free, self._paying = customers
        self._session = aiohttp.ClientSession()
        self.requests = 0

    async def rest(self) -> None:
        """Close what clients and the provider kept open; another round opens it anew."""
        session, self._session = self._session, aiohttp.ClientSession()
        await session.close()
        self._provider.cut()

    async def close(self) -> None:
        """Ask no more."""
        await self._session.close()

    async def round(self) -> None:
        """Every kind of request once, some of them side by side."""
        steps: tuple[Step, ...] = (
            self.whole, self._streamed, self._translated, self._translated_stream, self._refused, self._unknown,
            self._hangs_up, self._hangs_up_early, self._fails_over, self._anew, self._looks,
        )  # fmt: skip
        for step in steps:
            self.requests += 1
            await step()

    async def changes(self, number: int) -> None:
        """Another limit for one project, served before this returns."""
        limits = Limits(requests_per_minute=1_000_000 + number)
        await self._world.apply(self._free.project.model_copy(update={"limits": limits}))

    async def whole(self) -> None:
        """One metered answer."""
        await self._ask(self._routes.relayed, key=self._paying.live)

    async def _streamed(self) -> None:
        await self._ask(self._routes.relayed, key=self._paying.live, stream=True)

    async def _translated(self) -> None:
        await self._ask(self._routes.translated, key=self._paying.live)

    async def _translated_stream(self) -> None:
        await self._ask(self._routes.translated, stream=True)

    async def _refused(self) -> None:
        await self._ask(self._routes.refused, status=400)

    async def _unknown(self) -> None:
        await self._ask(self._routes.relayed, key="pk_live_nobody", status=401)

    async def _fails_over(self) -> None:
        await self._ask(self._routes.failing, key=self._paying.live)

    async def _hangs_up(self) -> None:
        """In the middle of a stream."""
        async with self._post(self._routes.relayed, self._paying.live, stream=True) as answer:
            await answer.content.readany()
            answer.close()

    async def _hangs_up_early(self) -> None:
        """Before the provider says anything."""
        try:
            async with asyncio.timeout(0.05), self._post(self._routes.hanging, self._paying.live, stream=True):
                pass
        except TimeoutError:
            return

    async def _anew(self) -> None:
        """On a connection of its own."""
        async with aiohttp.ClientSession() as session, session.get(f"{self._url}/v1/models", headers=_bearer(
            self._free.live)) as answer:  # fmt: skip
            await _expect(answer, 200)

    async def _looks(self) -> None:
        """At what needs no key."""
        for path in ("/dashboard/sign-in", "/openapi.json"):
            async with self._session.get(self._url + path) as answer:
                await _expect(answer, 200)

    async def _ask(self, route: Route, *, key: str | None = None, stream: bool = False, status: int = 200) -> None:
        async with self._post(route, key or self._free.live, stream=stream) as answer:
            await _expect(answer, status)

    def _post(self, route: Route, key: str, *, stream: bool) -> Any:
        body = {"model": route.model, "messages": _MESSAGES, "stream": stream, "max_tokens": 100}
        return self._session.post(f"{self._url}/v1/chat/completions", json=body, headers=_bearer(key))


@asynccontextmanager
async def mixed_load(world: World, gateway: GatewayProcess, provider: FakeProvider) -> AsyncIterator[MixedLoad]:
    """Publish what the load needs; the gateway is one of the world's."""
    calm = Breaker(failures=10**9)
    ups = {name: make_upstream(provider.base_url, breaker=calm) for name in ("good", "refused", "hanging", "failing")}
    claude = make_upstream(provider.base_url, provider="anthropic")
    provider.always(lambda asked: Stream(pace=_PACE_SECONDS) if asked.json.get("stream") else Json(),
                    key=ups["good"].credential)  # fmt: skip
    provider.always(error(400, "no"), key=ups["refused"].credential)
    provider.always(Hang(), key=ups["hanging"].credential)
    provider.always(error(500, "down"), key=ups["failing"].credential)
    provider.always(lambda asked: MessageStream() if asked.json.get("stream") else Message(), key=claude.credential)
    first, second = make_target(ups["failing"]), make_target(ups["good"], priority=1)
    routes = Routes(
        relayed=make_route(make_target(ups["good"]), prices=(_PRICE,)),
        translated=make_route(make_target(claude, model="claude-haiku-4-5"), prices=(_PRICE,)),
        refused=make_route(make_target(ups["refused"])),
        hanging=make_route(make_target(ups["hanging"]), prices=(_PRICE,)),
        failing=make_route(first, second, prices=(_PRICE,)),
    )
    customers = make_project(), make_project(billing=prepaid(MAX_NANOS // 2))
    made = (routes.relayed, routes.translated, routes.refused, routes.hanging, routes.failing)
    await world.apply(*ups.values(), claude, *made, *customers)
    await apply_credits(world.redis, [customers[1].project], now=time.time())
    load = MixedLoad(world, gateway, provider, routes, *customers)
    try:
        yield load
    finally:
        await load.close()


async def _expect(answer: aiohttp.ClientResponse, status: int) -> None:
    body = await answer.read()
    if answer.status != status:
        raise UnexpectedAnswer(f"{answer.url.path} said {answer.status} in place of {status}: {body[:200]!r}")


def _bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}
