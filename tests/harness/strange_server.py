"""A web server that a client's URL may lead to, on any loopback address: it answers as each test wants it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from aiohttp import web

from harness.ports import free_port

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Heard:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class StrangeServer:
    """Listens on one loopback address. `answers` are by path; any other path is 404."""

    def __init__(self, host: str = "127.0.0.1", *, port: int | None = None) -> None:
        self.host = host
        self.port = port or free_port()
        self.answers: dict[str, Answer] = {}
        self.heard: list[Heard] = []
        self.arrived = asyncio.Condition()
        self._runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=0.1)

    def url(self, path: str = "/", *, host: str | None = None) -> str:
        """A path on this server, under its address or a name."""
        return f"http://{host or self.host}:{self.port}{path}"

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def wait_for(self, count: int, seconds: float = 20.0) -> list[Heard]:
        """The requests so far, once there are as many."""
        async with asyncio.timeout(seconds), self.arrived:
            await self.arrived.wait_for(lambda: len(self.heard) >= count)
        return self.heard

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.read()
        async with self.arrived:
            self.heard.append(Heard(request.method, request.path, headers, body))
            self.arrived.notify_all()
        answer = self.answers.get(request.path)
        return await answer(request) if answer is not None else web.Response(status=404)


def fixed(body: bytes = b"", *, status: int = 200, **headers: str) -> Answer:
    """The same answer each time; `content_type="image/png"` is a header."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, headers=named, body=body)

    return answer


def picture(body: bytes = PNG) -> Answer:
    """A PNG."""
    return fixed(body, content_type="image/png")


def leading_to(url: str, *, status: int = 302) -> Answer:
    """A redirect."""
    return fixed(status=status, location=url)


def endless(piece: bytes, *, seconds: float = 0.0) -> Answer:
    """A body that goes on until the client has enough of it, with a pause between two pieces."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "image/png"})
        await response.prepare(request)
        await response.write(PNG)
        while True:
            await response.write(piece)
            await asyncio.sleep(seconds)

    return answer
