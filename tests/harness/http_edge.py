"""The gateway's HTTP side with toy endpoints, on a real socket, for tests of requests and answers as bytes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

from aiohttp import web

from havuz_gateway.errors import DeadlineExceeded, RateLimited, StreamBroken
from havuz_gateway.pipeline.exchange import ClientGone, Request, Writer
from havuz_gateway.pipeline.services import Services
from havuz_gateway.surfaces.base import Surface
from havuz_gateway.surfaces.http import HttpBounds, HttpEdge
from havuz_gateway.surfaces.openai.errors import render_error, stream_error
from havuz_gateway.surfaces.registry import Registry
from havuz_gateway.telemetry.metrics import Metrics

BOUNDS = HttpBounds(
    max_body=1_000, head=0.4, read_idle=0.2, read_total=0.6, write_idle=0.3, keepalive=0.5, lingering=0.2
)
# the endpoints here use none, and the edge counts
NO_SERVICES = cast("Services", SimpleNamespace(telemetry=SimpleNamespace(metrics=Metrics())))


class Endpoints:
    """Endpoints that show what reaches them."""

    def __init__(self) -> None:
        self.cancelled = asyncio.Event()
        self.gone = asyncio.Event()
        self.entered = asyncio.Event()

    def surface(self) -> Surface:
        names = ("echo", "stream", "limited", "bug", "late", "hang", "flood", "silent", "half", "aside")
        paths = {f"/{name}": {"POST": getattr(self, name), "GET": getattr(self, name)} for name in names}
        return Surface("test", "test", render_error, stream_error, paths)

    async def echo(self, request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
        told = {
            "method": request.method,
            "path": request.path,
            "host": request.host,
            "headers": dict(request.headers),
            "query": request.query,
            "body": request.body.decode(),
            "credential": credential,
        }
        await writer.respond(200, {"content-type": "application/json"}, json.dumps(told).encode())

    async def stream(self, request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
        await writer.start(200, {"content-type": "text/event-stream"})
        await writer.write(b"data: 1\n\n")
        raise StreamBroken("it broke off")

    async def limited(self, request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
        raise RateLimited("too fast", retry_after=1.2)

    async def bug(self, request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
        raise ValueError(f"holds {credential}")

    async def late(self, request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
        await writer.respond(200, {}, b"whole")
        raise ValueError("after the answer")

    async def half(self, request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
        try:
            async with asyncio.timeout(0.1):
                await writer.respond(200, {}, b"x" * 20_000_000)
        except TimeoutError:
            raise DeadlineExceeded("the deadline passed while the answer was on its way") from None

    async def hang(self, request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
        self.entered.set()
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    async def flood(self, request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
        await writer.start(200, {})
        self.entered.set()
        try:
            while True:
                await writer.write(b"x" * 100_000)
        except (ClientGone, asyncio.CancelledError):
            self.gone.set()
            raise

    async def aside(self, request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
        await writer.start(200, {})

        async def flood() -> None:
            while True:
                await writer.write(b"x" * 100_000)

        aside = asyncio.create_task(flood())
        self.entered.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await asyncio.wait((aside,))
            assert isinstance(aside.exception(), ClientGone)
            self.gone.set()

    async def silent(self, request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
        return


class Served:
    """A running edge."""

    def __init__(self, edge: HttpEdge, server: web.Server, endpoints: Endpoints, port: int) -> None:
        self.edge = edge
        self.server = server
        self.endpoints = endpoints
        self.port = port

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()

    async def send(self, raw: bytes) -> "Answer":
        """Send bytes on a connection of their own and read until the server closes it."""
        async with self.connection() as (reader, writer):
            writer.write(raw)
            return Answer(await asyncio.wait_for(reader.read(), 10))

    async def post(self, path: str, body: bytes = b"{}", *headers: str, method: str = "POST") -> "Answer":
        lines = [f"{method} {path} HTTP/1.1", "Host: Example.COM:8080", "Connection: close", *headers]
        if not any(header.lower().startswith(("content-length", "transfer-encoding")) for header in headers):
            lines.append(f"Content-Length: {len(body)}")
        return await self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


class Answer:
    """A response as it came."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        head, _, self.body = raw.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        self.status = int(status.split()[1])
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        assert self.headers["content-type"] == "application/json"
        assert self.headers["x-request-id"].startswith("req_")
        return self.json["error"]


@asynccontextmanager
async def serve(bounds: HttpBounds = BOUNDS, *, front: bool = True) -> AsyncIterator[Served]:
    endpoints = Endpoints()
    surface = endpoints.surface()
    edge = HttpEdge(Registry((surface,), default=surface), NO_SERVICES, bounds=bounds, front=front)
    server = edge.server()
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield Served(edge, server, endpoints, runner.addresses[0][1])
    finally:
        await runner.cleanup()
