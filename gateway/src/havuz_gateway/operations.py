"""The operations port, never public: `/livez`, `/readyz` and `/metrics`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class Readiness:
    """Whether clients should be sent here. `problem` gives a sentence while nothing can be served, else nothing."""

    problem: Callable[[], str]
    draining: bool = field(default=False, init=False)

    async def obstacle(self) -> str:
        """Why not, as a sentence; empty when ready."""
        if self.draining:
            return "draining: this process was asked to end"
        return self.problem()


def operations_app(
    obstacle: Callable[[], Awaitable[str]], render_metrics: Callable[[], Awaitable[bytes]]
) -> web.Application:
    """The application of the operations port. `obstacle` says why clients should not be sent here, or nothing."""

    async def livez(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        why_not = await obstacle()
        return web.Response(text=f"{why_not or 'ok'}\n", status=503 if why_not else 200)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=await render_metrics(), headers={"content-type": _METRICS_TYPE})

    app = web.Application()
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    return app
