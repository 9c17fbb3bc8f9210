"""The commands: `havuz-gateway` (a gateway of a cluster) and `havuz up` (everything on this machine)."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import uvloop

from havuz_gateway.app import run_gateway
from havuz_gateway.lifecycle import PortTakenError, stop_on_signals
from havuz_gateway.settings import SettingsError, read_settings
from havuz_gateway.telemetry import logs

_REFUSED = 2  # the exit code of a command that was called wrongly


def gateway(arguments: Sequence[str] | None = None) -> int:
    """`havuz-gateway`: serve until SIGTERM. Returns the exit code."""
    try:
        settings = read_settings(sys.argv[1:] if arguments is None else arguments)
        logs.configure(level=settings.log_level, form=settings.log_format)
        return _run(lambda stop: run_gateway(settings, stop=stop))
    except (SettingsError, PortTakenError) as error:
        return _refuse("havuz-gateway", error)


def main(arguments: Sequence[str] | None = None) -> int:
    """`havuz`: local commands. Returns the exit code."""
    options = _parser().parse_args(arguments)
    from havuz_gateway.local import up  # the cluster's image has neither a file watcher nor a Redis server
    from havuz_gateway.local.errors import LocalError

    logs.configure(level="WARNING", form="text")
    logging.getLogger("havuz_gateway.requests").setLevel(logging.INFO)
    try:
        return _run(
            lambda stop: up.run(
                up.Options(
                    manifests=options.manifests,
                    state_dir=options.state_dir,
                    host=options.host,
                    port=options.port,
                    operations_port=options.operations_port,
                    redis_url=options.redis_url,
                    say=lambda line: print(line, flush=True),
                ),
                stop=stop,
            )
        )
    except (SettingsError, PortTakenError, LocalError) as error:
        return _refuse("havuz", error)


def _run(serve: Callable[[asyncio.Event], Awaitable[None]]) -> int:
    async def body() -> None:
        stop = asyncio.Event()
        stop_on_signals(stop)
        await serve(stop)

    uvloop.run(body())
    return 0


def _refuse(command: str, error: Exception) -> int:
    print(f"{command}: {error}", file=sys.stderr)
    return _REFUSED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="havuz", description="An AI gateway: three kinds of YAML, one endpoint.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    local = commands.add_parser("up", help="serve a folder of manifests on this machine, without a cluster")
    local.add_argument("--manifests", type=Path, required=True, metavar="DIR", help="folder of YAML manifests")
    local.add_argument("--port", type=int, default=8080, metavar="N", help="port to serve on (default: 8080)")
    local.add_argument("--host", default="127.0.0.1", help="address to serve on (default: 127.0.0.1)")
    local.add_argument(
        "--operations-port",
        type=int,
        default=0,
        metavar="N",
        help="port of /livez, /readyz and /metrics (default: none)",
    )
    local.add_argument("--redis-url", help="Redis or Valkey to use instead of starting one; its havuz data is replaced")
    local.add_argument(
        "--state-dir",
        type=Path,
        default=Path(".havuz"),
        metavar="DIR",
        help="folder of keys and data (default: .havuz)",
    )
    return parser
