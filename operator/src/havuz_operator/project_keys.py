"""Making the keys that Projects ask for: each in a Secret of its own, never over one that exists."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from havuz_contract import project_keys
from havuz_contract.compiler.compile import Compiled
from havuz_contract.project_keys import MissingKey
from havuz_contract.v1alpha1.meta import KubeObject
from havuz_contract.v1alpha1.project import Project
from havuz_operator.kube import Kube, KubeError
from havuz_operator.world import World

_log = logging.getLogger(__name__)


async def make_missing(
    compiled: Compiled, *, world: World, kube: Kube, now: datetime, random: Callable[[int], bytes]
) -> bool:
    """Make every key that an accepted Project lacks; says whether the world has new Secrets now.

    A Secret that can't be made is logged, and keeps nothing else from being served; a later round tries again.
    """
    secrets = world.secrets()
    wanted = [
        (stored.parsed, missing)
        for ref, stored in world.objects.items()
        if isinstance(stored.parsed, Project) and _served(compiled, stored.parsed)
        for missing in project_keys.missing_keys(stored.parsed, secrets.keys())
        if stored.document["metadata"].get("deletionTimestamp") is None and ref.kind == "Project"
    ]
    made = await asyncio.gather(
        *(_make(project, missing, world=world, kube=kube, now=now, random=random) for project, missing in wanted)
    )
    return any(made)


def _served(compiled: Compiled, source: KubeObject) -> bool:
    status = compiled.statuses.get(source.ref)
    return status is not None and status.served


async def _make(
    project: Project, missing: MissingKey, *, world: World, kube: Kube, now: datetime, random: Callable[[int], bytes]
) -> bool:
    key = project_keys.make_key(project_keys.prefix(missing.key), random(project_keys.RANDOM_BYTES))
    body = project_keys.secret_body(project, missing, key=key, now=now)
    about: Mapping[str, str] = {"project": str(project.ref), "secret": missing.secret_name}
    try:
        created = await kube.create_secret(body)
    except KubeError as error:
        _log.error("a project key could not be made", extra={**about, "error": str(error)})
        return False
    if created is None:
        return False
    _log.info("a project key was made", extra=about)
    world.put(created)
    return True
