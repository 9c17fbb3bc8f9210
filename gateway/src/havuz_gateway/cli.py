"""`havuz`: local mode, looks into books and pool."""

import argparse
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TextIO

import uvloop
from redis.asyncio import Redis
from redis.exceptions import RedisError

from havuz_contract.connection import connect
from havuz_contract.settings import SettingsError
from havuz_gateway.commands import books, explain, ledger_verify, usage_export, webhooks
from havuz_gateway.commands.books import CommandError
from havuz_gateway.lifecycle import PortTakenError
from havuz_gateway.metering.ledger import BusyError
from havuz_gateway.starting import refuse, run_until_signalled
from havuz_gateway.telemetry import logs

BooksCommand = Callable[[argparse.Namespace, Redis, TextIO], Awaitable[int]]
_CUT_OFF = 141  # what a shell says of a command whose output nobody reads any more


def main(arguments: Sequence[str] | None = None) -> int:
    """`havuz`: local mode, and commands of the books. Returns the exit code."""
    options = _parser().parse_args(arguments)
    logs.configure(level="WARNING", form="text")
    command: Callable[[argparse.Namespace], int] = options.command
    return command(options)


def _up(options: argparse.Namespace) -> int:
    from havuz_gateway.local import up  # the cluster's image has neither a file watcher nor a Redis server
    from havuz_gateway.local.errors import LocalError

    logging.getLogger("havuz_gateway.requests").setLevel(logging.INFO)
    try:
        return run_until_signalled(
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
        return refuse("havuz", error)


def _with_books(command: BooksCommand) -> Callable[[argparse.Namespace], int]:
    """A command of the books as one of the command line."""

    async def body(options: argparse.Namespace, url: str) -> int:
        try:
            client = connect(url, name="havuz", ca_file=books.redis_ca_file(options, os.environ))
        except (ValueError, OSError) as error:
            raise CommandError(f"the URL of Redis is wrong: {error}") from None
        try:
            return await command(options, client, sys.stdout)
        finally:
            await client.aclose()

    def run(options: argparse.Namespace) -> int:
        try:
            return uvloop.run(body(options, books.redis_url(options, os.environ)))
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read has seen enough
            return _CUT_OFF
        except RedisError as error:
            return refuse("havuz", CommandError(f"the books can't be read from Redis: {error}"))
        except (CommandError, BusyError) as error:
            return refuse("havuz", error)

    return run


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="havuz", description="An AI gateway: three kinds of YAML, one endpoint.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="serve a folder of manifests on this machine, without a cluster")
    _add_up_arguments(up)
    up.set_defaults(command=_up)
    ledger = commands.add_parser("ledger", help="the books of projects").add_subparsers(
        required=True, metavar="COMMAND"
    )
    verify = ledger.add_parser("verify", help="prove that the books balance; exits with 1 where they do not")
    ledger_verify.add_arguments(verify)
    verify.set_defaults(command=_with_books(ledger_verify.run))
    usage = commands.add_parser("usage", help="what was used").add_subparsers(required=True, metavar="COMMAND")
    export = usage.add_parser("export", help="write a row for each request that was settled")
    usage_export.add_arguments(export)
    export.set_defaults(command=_with_books(usage_export.run))
    _add_webhooks(commands.add_parser("webhooks", help="callbacks of tasks"))
    explained = commands.add_parser("explain", help="where a request would go now, and why not elsewhere")
    explain.add_arguments(explained)
    explained.set_defaults(command=_with_books(explain.run))
    return parser


def _add_webhooks(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    secret = commands.add_parser("secret", help="print what a project's customer verifies callbacks with")
    webhooks.add_secret_arguments(secret)
    secret.set_defaults(command=_with_books(webhooks.secret))
    failed = commands.add_parser("failed", help="list what was given up within the last week")
    webhooks.add_failed_arguments(failed)
    failed.set_defaults(command=_with_books(webhooks.failed))
    log = commands.add_parser("log", help="show every attempt to deliver the callback of a task")
    webhooks.add_log_arguments(log)
    log.set_defaults(command=_with_books(webhooks.log))
    replay = commands.add_parser("replay", help="deliver callbacks once more")
    webhooks.add_replay_arguments(replay)
    replay.set_defaults(command=_with_books(webhooks.replay))


def _add_up_arguments(local: argparse.ArgumentParser) -> None:
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
