"""`havuz explain`: which targets and keys a request would try now, in which order, and why others are out."""

import argparse
import json
import os
from dataclasses import asdict
from typing import Any, TextIO

from redis.asyncio import Redis

from havuz_contract.snapshot.models import Project, ProjectKey, Route
from havuz_gateway.commands import books
from havuz_gateway.commands.books import CommandError
from havuz_gateway.commands.explain_text import lines
from havuz_gateway.commands.explanation import Explanation, Question, explain
from havuz_gateway.commands.onlooker import Onlooker, look, note_limits, read_keyring
from havuz_gateway.commands.sample import OPERATIONS, PROTOCOLS, has_sample
from havuz_gateway.pipeline.types import Identity
from havuz_gateway.pool.types import Member

_MODES = ("think", "deepsearch")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    books.add_place_arguments(parser)
    parser.add_argument("--project", metavar="NAME", required=True, help="the project, as namespace/name or uid")
    parser.add_argument("--model", metavar="ID", required=True, help="the model that a client would name")
    parser.add_argument("--key", metavar="NAME", help="one key of the project (default: its first live one)")
    parser.add_argument("--protocol", choices=PROTOCOLS, default=PROTOCOLS[0], help="default: %(default)s")
    parser.add_argument("--operation", choices=OPERATIONS, default=OPERATIONS[0], help="default: %(default)s")
    parser.add_argument("--mode", choices=_MODES, action="append", default=[], help="a mode that is on")
    parser.add_argument("--json", action="store_true", help="write JSON instead of text")


async def run(options: argparse.Namespace, redis: Redis, out: TextIO) -> int:
    """Print the explanation; 1 when the request would be refused. Raises `CommandError` and `redis.RedisError`."""
    if not has_sample(options.protocol, options.operation):
        raise CommandError(f"{options.protocol} has no {options.operation} of its own: choose another --protocol")
    onlooker = await look(redis, read_keyring(options.state_dir, os.environ))
    project = _project(onlooker, options.project)
    route = _route(onlooker, project, options.model)
    await note_limits(redis, _members(onlooker, route), onlooker)
    question = Question(options.model, options.protocol, options.operation, tuple(options.mode))
    found = explain(question, Identity(project, _key(project, options.key)), route, onlooker)
    print(_json(found) if options.json else "\n".join(lines(found)), file=out, flush=True)
    return 0 if found.answer is None else 1


def _project(onlooker: Onlooker, wanted: str) -> Project:
    for project in onlooker.view().snapshot.projects.values():
        if wanted in (project.uid, project.name):
            return project
    raise CommandError(f"there is no project {wanted!r}: give its namespace/name or uid")


def _route(onlooker: Onlooker, project: Project, model: str) -> Route:
    route = onlooker.view().route(project, model)
    if route is not None:
        return route
    served = [one for one in onlooker.view().snapshot.routes.values() if model in (one.model, *one.aliases)]
    if served:
        raise CommandError(
            f"project {project.name!r} does not see model {model!r}: route {served[0].name!r} is for the groups "
            f"{', '.join(served[0].groups or ())}, and the project is of {project.group or 'none'}"
        )
    raise CommandError(f"there is no model {model!r}: `kubectl get modelroutes` lists those that are served")


def _members(onlooker: Onlooker, route: Route) -> list[Member]:
    """All keys of the route, those of its modes too."""
    targets = [*route.targets, *(target for mode in route.modes.values() for target in mode.targets)]
    uids = {uid for target in targets for uid in target.upstreams}
    return [member for uid, member in onlooker.pool.members.items() if uid in uids]


def _key(project: Project, name: str | None) -> ProjectKey:
    for key in project.keys:
        if name == key.name or (name is None and key.mode == "Live"):
            return key
    what = f"no key {name!r}" if name is not None else "no live key"
    raise CommandError(f"project {project.name!r} has {what}: make one, or name another with --key")


def _json(found: Explanation) -> str:
    return json.dumps(asdict(found), default=_written, ensure_ascii=False, indent=2)


def _written(value: Any) -> Any:
    return value.model_dump(exclude_none=True)
