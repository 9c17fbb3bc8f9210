"""An endpoint whose whole work is one call through the pipeline."""

from collections.abc import Callable

from havuz_gateway.pipeline.exchange import Request, Writer
from havuz_gateway.pipeline.run import run
from havuz_gateway.pipeline.services import Services
from havuz_gateway.pipeline.types import Call
from havuz_gateway.surfaces.base import Endpoint


def called(operation: str, protocol: str, read: Callable[[Request], Call]) -> Endpoint:
    """The endpoint that answers with what becomes of the call which `read` finds in a request.

    `operation` is the word for it in telemetry, `protocol` the surface's. `read` raises `InvalidRequest`.
    """

    async def endpoint(request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
        await run(
            request,
            writer,
            operation=operation,
            protocol=protocol,
            credential=credential,
            read=read,
            services=services,
        )

    return endpoint
