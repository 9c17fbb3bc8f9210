"""From start to exit: ports, readiness, and a drain that drops no request.

On SIGTERM `/readyz` says no at once, while requests are still accepted until load balancers noticed (`drain_delay`).
Then the port closes, what is in flight ends in its own time (`drain_grace`), and only then is the rest taken down.
"""

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from aiohttp import web

from havuz_contract.background import Background, Work
from havuz_gateway.operations import Readiness, operations_app
from havuz_gateway.surfaces.http import HttpEdge
from havuz_gateway.surfaces.http.server import HttpServer
from havuz_gateway.tasks.worker import Worker

_log = logging.getLogger(__name__)

_CUT_SECONDS = 1.0  # for handlers to notice that they are cut, after the grace has passed
_BACKLOG = 1024
UNIX = "unix:"


class PortTakenError(Exception):
    """An address can't be listened on; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """The wired parts, as far as their start and end matter. `worker` is None where no tasks are done.

    `background` runs while requests are served; `closing` is called in order once the last request has ended.
    """

    edge: HttpEdge
    readiness: Readiness
    loaded: asyncio.Event
    render_metrics: Callable[[], bytes]
    background: Mapping[str, Work]
    closing: Sequence[Callable[[], Awaitable[None]]]
    worker: Worker | None = None


@dataclass(frozen=True, slots=True)
class Ports:
    """Where to listen: (address, port), or ("unix:/path", anything). None: nowhere.

    `shared`: other processes listen on the public port, too; this one does so once it has a configuration to serve.
    """

    public: tuple[str, int] | None
    operations: tuple[str, int] | None = None
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Drain:
    """Seconds to go on accepting, and then for requests in flight to end."""

    delay: float
    grace: float


async def serve(
    gateway: Gateway, ports: Ports, drain: Drain, *, stop: asyncio.Event, ready: Callable[[], None] | None = None
) -> None:
    """Serve until `stop` is set, then drain. `ready` is called once there is a configuration to serve.

    Raises `PortTakenError` when a port is not free.
    """
    async with AsyncExitStack() as stack:
        for close in reversed(gateway.closing):
            stack.push_async_callback(close)
        background = Background(gateway.background)
        stack.push_async_callback(background.stop)
        if ports.operations is not None:
            app = operations_app(gateway.readiness.obstacle, _awaited(gateway.render_metrics))
            operations = web.AppRunner(app, access_log=None, shutdown_timeout=_CUT_SECONDS)
            stack.push_async_callback(operations.cleanup)
            await listen(operations, ports.operations)
        server = gateway.edge.server()
        public = web.ServerRunner(server, shutdown_timeout=_CUT_SECONDS)
        stack.push_async_callback(public.cleanup)
        if not ports.shared:
            await _open(public, ports)
        background.start()
        if await _loaded_before(stop, gateway.loaded):
            if ports.shared:
                await _open(public, ports)
            if ready is not None:
                ready()
        await stop.wait()
        await _drain(gateway, public, server, drain)
    _log.info("ended")


async def _loaded_before(stop: asyncio.Event, loaded: asyncio.Event) -> bool:
    """Wait for a configuration, and for `stop` no longer. What was made until then is out of the garbage collector's
    sight.
    """
    waiting = [asyncio.create_task(one.wait(), name=name) for one, name in ((loaded, "loaded"), (stop, "stopped"))]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
    gc.collect()
    gc.freeze()
    return loaded.is_set() and not stop.is_set()


async def _drain(gateway: Gateway, public: web.ServerRunner, server: HttpServer, drain: Drain) -> None:
    gateway.readiness.draining = True
    server.draining = True  # answers close their connection, so that clients come back through the load balancer
    _log.info("draining", extra={"in_flight": gateway.edge.active, "delay": drain.delay, "grace": drain.grace})
    if drain.delay:
        await asyncio.sleep(drain.delay)
    if gateway.worker is not None:
        gateway.worker.stop()
    for site in list(public.sites):
        await site.stop()
    await asyncio.sleep(0)  # what was accepted a moment ago begins to be handled
    server.pre_shutdown()
    await asyncio.sleep(0)  # what waited for its body begins
    try:
        async with asyncio.timeout(drain.grace):
            await gateway.edge.idle.wait()
            if gateway.worker is not None:
                await gateway.worker.idle.wait()
    except TimeoutError:
        _log.warning(
            "requests in flight are cut: the grace period has passed",
            extra={"in_flight": gateway.edge.active, "grace": drain.grace},
        )


async def _open(public: web.ServerRunner, ports: Ports) -> None:
    await public.setup()
    if ports.public is None:
        return
    await listen(public, ports.public, shared=ports.shared)
    _log.info("listening", extra={"address": ports.public[0], "port": ports.public[1]})


async def listen(runner: web.AppRunner | web.ServerRunner, address: tuple[str, int], *, shared: bool = False) -> None:
    """Listen on (address, port), or on the socket of a "unix:/path". Raises `PortTakenError`."""
    await runner.setup()
    host, port = address
    try:
        if host.startswith(UNIX):
            await web.UnixSite(runner, host.removeprefix(UNIX), backlog=_BACKLOG).start()
        else:
            await web.TCPSite(runner, host, port, backlog=_BACKLOG, reuse_port=shared or None).start()
    except OSError as error:
        raise _taken(host, port, error) from None


def check_port(host: str, port: int) -> None:
    """Raise `PortTakenError` where somebody else listens: processes that share a port would not notice."""
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        raise _taken(host, port, error) from None


def _taken(host: str, port: int, error: OSError) -> PortTakenError:
    place = host if host.startswith(UNIX) else f"{host}:{port}"
    return PortTakenError(
        f"can't listen on {place}: {error.strerror or error}; free the port, or choose another with --port"
    )


def _awaited(render: Callable[[], bytes]) -> Callable[[], Awaitable[bytes]]:
    async def rendered() -> bytes:
        return render()

    return rendered


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set `stop` on SIGTERM or SIGINT. Needs a running loop."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
