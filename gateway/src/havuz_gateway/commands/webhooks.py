"""`havuz webhooks`: the secret that a customer verifies callbacks with, what was given up, and telling it once more."""

import argparse
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from redis.asyncio import Redis

from havuz_contract import keys
from havuz_contract.snapshot.envelope import Keyring
from havuz_contract.snapshot.models import Project
from havuz_gateway.callbacks.queue import CallbackQueue
from havuz_gateway.callbacks.signing import WebhookSecrets, shown
from havuz_gateway.commands import books
from havuz_gateway.commands.books import CommandError
from havuz_gateway.local.state import ENCRYPTION_KEYS_FILE

_KEYS, _KEYS_FILE = "HAVUZ_ENCRYPTION_KEYS", "HAVUZ_ENCRYPTION_KEYS_FILE"


def add_secret_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `secret`."""
    books.add_arguments(parser)
    parser.add_argument("--all", action="store_true", help="every secret that signs, the customer's first")


def add_failed_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `failed`."""
    books.add_arguments(parser)


def add_log_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `log`."""
    books.add_arguments(parser)
    parser.add_argument("--task", metavar="ID", required=True, help="whose callback, a task of --project")


def add_replay_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `replay`."""
    books.add_arguments(parser)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--task", metavar="ID", help="the callback of one task of --project")
    what.add_argument("--failed", action="store_true", help="everything that was given up within the last week")


async def secret(options: argparse.Namespace, redis: Redis, out: TextIO) -> int:
    """Print the project's secret. Raises `CommandError` and `redis.RedisError`."""
    project = await _project(options, redis)
    secrets = WebhookSecrets(_keyring(options, os.environ)).of(project.uid, project.webhook_versions)
    for one in secrets if options.all else secrets[:1]:
        print(shown(one), file=out)
    return 0


async def failed(options: argparse.Namespace, redis: Redis, out: TextIO) -> int:
    """Print a line for each callback that was given up. Raises `CommandError` and `redis.RedisError`."""
    wanted = (await _project(options, redis)).uid if options.project else None
    queue = CallbackQueue(redis, _keyring(options, os.environ))
    given_up = await queue.failed(wanted)
    names = {owner.uid: owner.name for owner in await books.owners(redis, [uid for uid, _ in given_up], None)}
    for project_uid, task_id in given_up:
        delivery = await queue.delivery(project_uid, task_id)
        if delivery is None or not delivery.attempts:
            continue
        last = delivery.attempts[-1]
        told = last.error or f"status {last.status}"
        print(f"{names[project_uid]}\t{task_id}\t{len(delivery.attempts)} attempts\t{told}", file=out)
    return 0


async def log(options: argparse.Namespace, redis: Redis, out: TextIO) -> int:
    """Print each attempt of a task's callback, and how far it is. Raises `CommandError` and `redis.RedisError`."""
    queue = CallbackQueue(redis, _keyring(options, os.environ))
    delivery = await queue.delivery((await _project(options, redis)).uid, options.task)
    if delivery is None:
        raise CommandError(f"nothing is kept of a callback of the task {options.task!r}: records live for a week")
    for attempt in delivery.attempts:
        print(f"{_time(attempt.at)}\t{attempt.seconds:.3f} s\t{attempt.error or f'status {attempt.status}'}", file=out)
    print(delivery.state if delivery.next_at is None else f"next attempt {_time(delivery.next_at)}", file=out)
    return 0


async def replay(options: argparse.Namespace, redis: Redis, out: TextIO) -> int:
    """Have callbacks delivered once more; 1 where there is none. Raises `CommandError` and `redis.RedisError`."""
    queue = CallbackQueue(redis, _keyring(options, os.environ))
    if options.task:
        if not options.project:
            raise CommandError("--task is given without --project: say whose task it is")
        wanted = [((await _project(options, redis)).uid, options.task)]
    else:
        wanted = await queue.failed((await _project(options, redis)).uid if options.project else None)
    again = [await queue.replay(*one) for one in wanted]
    count = sum(again)
    print(f"{count} callback{'' if count == 1 else 's'} will be delivered once more", file=out)
    return 0 if count or options.failed else 1


def _time(unix: float) -> str:
    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="seconds")


async def _project(options: argparse.Namespace, redis: Redis) -> Project:
    if not options.project:
        raise CommandError("it is not said which project is meant: give --project")
    owner = (await books.owners(redis, [], options.project))[0]
    text: Any = await redis.hget(keys.PROJECTS, owner.uid)
    return Project.model_validate(json.loads(text))


def _keyring(options: argparse.Namespace, environment: Mapping[str, str]) -> Keyring:
    path = Path(environment.get(_KEYS_FILE) or options.state_dir / ENCRYPTION_KEYS_FILE)
    try:
        return Keyring.parse(environment.get(_KEYS) or path.read_text())
    except OSError:
        raise CommandError(
            f"it is not said what the encryption keys are: give {_KEYS} or {_KEYS_FILE}, "
            f"or run this where `havuz up` runs (there is no {str(path)!r})"
        ) from None
    except ValueError as error:
        raise CommandError(f"the encryption keys are wrong: {error}") from None
