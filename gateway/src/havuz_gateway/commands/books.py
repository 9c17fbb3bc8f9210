"""Where the books are, and whose they are."""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from havuz_contract import keys
from havuz_gateway.local.state import REDIS_URL_FILE

_ENVIRONMENT = "HAVUZ_REDIS_URL"
_CA_ENVIRONMENT = "HAVUZ_REDIS_CA_FILE"


class CommandError(Exception):
    """The command can't be carried out as it was called; the message says why."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A project that has books. `name` is its uid where it is not served any more."""

    uid: str
    name: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What every command of the books takes to find them."""
    add_place_arguments(parser)
    parser.add_argument("--project", metavar="NAME", help="one project, as namespace/name or uid (default: all)")


def add_place_arguments(parser: argparse.ArgumentParser) -> None:
    """What says where the gateways' Redis is."""
    parser.add_argument(
        "--redis-url", metavar="URL", help=f"Redis of the gateways (default: {_ENVIRONMENT}, else that of `havuz up`)"
    )
    parser.add_argument(
        "--redis-ca-file",
        type=Path,
        metavar="FILE",
        help=f"certificate authorities, in PEM, that vouch for that Redis (default: {_CA_ENVIRONMENT})",
    )
    parser.add_argument(
        "--state-dir",
        type=Path,
        default=Path(".havuz"),
        metavar="DIR",
        help="folder of `havuz up`, which says where its Redis is (default: .havuz)",
    )


def redis_url(options: argparse.Namespace, environment: Mapping[str, str]) -> str:
    """The URL that was given, else the environment's, else that of local mode. Raises `CommandError`."""
    given: str | None = options.redis_url or environment.get(_ENVIRONMENT)
    if given:
        return given
    path: Path = options.state_dir / REDIS_URL_FILE
    try:
        return path.read_text().strip()
    except OSError:
        raise CommandError(
            f"it is not said where the books are: give --redis-url or {_ENVIRONMENT}, "
            f"or run this where `havuz up` runs (there is no {str(path)!r})"
        ) from None


def redis_ca_file(options: argparse.Namespace, environment: Mapping[str, str]) -> Path | None:
    """Whom to trust for a Redis that speaks TLS: what was given, else the environment's, else the system's."""
    named = environment.get(_CA_ENVIRONMENT)
    given: Path | None = options.redis_ca_file
    return given or (Path(named) if named else None)


async def owners(redis: Redis, uids: Sequence[str], wanted: str | None) -> list[Owner]:
    """The owners of books by name, or the one that is `wanted`. Raises `CommandError` and `redis.RedisError`."""
    names = await _names(redis)
    if wanted is None:
        return sorted((Owner(uid, names.get(uid, uid)) for uid in uids), key=lambda owner: owner.name)
    found = [Owner(uid, name) for uid, name in names.items() if wanted in (uid, name)]
    if not found and wanted in uids:
        found = [Owner(wanted, wanted)]
    if not found:
        raise CommandError(f"there is no project {wanted!r}: give its namespace/name, or the uid of one that is gone")
    return found


async def _names(redis: Redis) -> dict[str, str]:
    published: Any = await redis.hgetall(keys.PROJECTS)
    return {uid.decode(): json.loads(text)["name"] for uid, text in published.items()}
