"""`havuz-gateway`: a gateway of a cluster, from its settings to its exit code."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence

import uvloop

from havuz_contract.settings import SettingsError
from havuz_gateway.app import run_gateway
from havuz_gateway.lifecycle import PortTakenError, stop_on_signals
from havuz_gateway.settings import Settings, read_settings
from havuz_gateway.telemetry import logs

_REFUSED = 2  # the exit code of a command that was called wrongly


def gateway(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM. Returns the exit code."""
    try:
        flags = sys.argv[1:] if arguments is None else arguments
        settings = read_settings(flags)
        logs.configure(level=settings.log_level, form=settings.log_format)
        if settings.workers > 1:
            return _supervise(settings, flags)
        return run_until_signalled(lambda stop: run_gateway(settings, stop=stop))
    except (SettingsError, PortTakenError) as error:
        return refuse("havuz-gateway", error)


def run_until_signalled(serve: Callable[[asyncio.Event], Awaitable[None]]) -> int:
    """Run until SIGTERM or SIGINT sets the event, and what it stops has ended."""

    async def body() -> None:
        stop = asyncio.Event()
        stop_on_signals(stop)
        await serve(stop)

    uvloop.run(body())
    return 0


def refuse(command: str, error: Exception) -> int:
    """Say why a command does not run; returns its exit code."""
    print(f"{command}: {error}", file=sys.stderr)  # noqa: T201 - whoever called it reads it there
    return _REFUSED


def _supervise(settings: Settings, flags: Sequence[str]) -> int:
    from havuz_gateway.processes.supervisor import supervise  # a worker is a gateway without it

    return run_until_signalled(lambda stop: supervise(settings, flags, stop=stop))
