"""`havuz usage export`: every request that was settled in a span, as CSV or JSON lines."""

import argparse
import csv
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, TextIO

from redis.asyncio import Redis

from havuz_contract.accounts import read_accounts
from havuz_contract.money import format_amount
from havuz_gateway.commands import books
from havuz_gateway.commands.books import Owner
from havuz_gateway.metering.ledger import projects_with_usage, usage_events
from havuz_gateway.metering.span import read_time

_TEXTS = ("key", "model", "status", "operation", "upstream", "provider", "upstream_model")
_TOKENS = ("input", "output", "cache_read", "cache_write", "reasoning")
COLUMNS = (
    "time",
    "event_id",
    "project",
    "project_uid",
    "request_id",
    *_TEXTS,
    *(f"{name}_tokens" for name in _TOKENS),
    "images",
    "characters",
    "audio_seconds",
    "attempts",
    "flags",
    "unit",
    "cost",
    "not_covered",
    "verdict",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    books.add_arguments(parser)
    span = "as a day such as 2026-11-21 or a time such as 2026-11-21T08:00:00Z"
    parser.add_argument("--from", dest="start", metavar="TIME", help=f"the first moment, {span} (default: all)")
    parser.add_argument("--to", dest="end", metavar="TIME", help="the moment before which to end; a day is meant whole")
    parser.add_argument("--format", choices=("csv", "jsonl"), default="csv", help="default: csv")


async def run(options: argparse.Namespace, redis: Redis, out: TextIO) -> int:
    """Write one row per event, project by project. Raises `CommandError` and `redis.RedisError`."""
    first, last = _bounds(options)
    found = await books.owners(redis, await projects_with_usage(redis), options.project)
    table = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    if options.format == "csv":
        table.writeheader()
    for owner in found:
        async for row in _rows(redis, owner, first, last):
            if options.format == "csv":
                table.writerow(row)
            else:
                out.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
    out.flush()
    return 0


def _bounds(options: argparse.Namespace) -> tuple[str, str]:
    """The first and the last id of the stream that may be told: ids begin with unix milliseconds."""
    try:
        first = "-" if options.start is None else str(_milliseconds(read_time(options.start, end=False)))
        last = "+" if options.end is None else str(_milliseconds(read_time(options.end, end=True)) - 1)
    except ValueError as error:
        raise books.CommandError(f"--from or --to can't be read: {error}") from None
    if first != "-" and last != "+" and int(first) > int(last):
        raise books.CommandError("--to is not after --from")
    return first, last


async def _rows(redis: Redis, owner: Owner, first: str, last: str) -> AsyncIterator[dict[str, Any]]:
    account = (await read_accounts(redis, [owner.uid]))[owner.uid]
    async for entry in usage_events(redis, owner.uid, first=first, last=last):
        if entry.get("type") == "usage":
            yield _row(owner, account.unit, entry)


def _row(owner: Owner, unit: str, entry: dict[str, str]) -> dict[str, Any]:
    event = json.loads(entry["event"])
    at = datetime.fromtimestamp(int(entry["at"]) / 1000, UTC)
    return {
        "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "event_id": entry["event_id"],
        "project": owner.name,
        "project_uid": owner.uid,
        "request_id": entry["id"],
        **{name: event.get(name, "") for name in _TEXTS},
        **{f"{name}_tokens": event.get(name, 0) for name in _TOKENS},
        "images": event.get("images", 0),
        "characters": event.get("characters", 0),
        "audio_seconds": event.get("audio_ms", 0) / 1000,
        "attempts": event.get("attempts", 0),
        "flags": event.get("flags", ""),
        "unit": unit,
        "cost": format_amount(int(entry["cost"])),
        "not_covered": format_amount(int(entry["short"])),
        "verdict": entry["verdict"],
    }


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
