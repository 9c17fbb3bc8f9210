"""The keys that Projects ask for: each made in a Secret of its own, never over one that exists, and rotated in it."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from havuz_contract import project_keys, rotation
from havuz_contract.compiler.compile import Compiled
from havuz_contract.project_keys import MissingKey
from havuz_contract.rotation import Rotation
from havuz_contract.snapshot.models import Project as ProjectPart
from havuz_contract.v1alpha1.project import Project
from havuz_operator.events import event_body, key_rotated
from havuz_operator.kube import Kube, KubeError
from havuz_operator.world import Document, World

_log = logging.getLogger(__name__)
_SUFFIX_BYTES = 8


class KeyMaker:
    """Makes and rotates project keys. `random` gives that many random bytes.

    What can't be done is logged, and keeps nothing else from being served; a later round tries again.
    """

    def __init__(
        self, *, world: World, kube: Kube, clock: Callable[[], datetime], random: Callable[[int], bytes]
    ) -> None:
        self._world = world
        self._kube = kube
        self._clock = clock
        self._random = random
        self._content: Mapping[str, ProjectPart] | None = None  # the projects that were found to need nothing

    async def keep(self, compiled: Compiled) -> bool:
        """Make every key that an accepted Project lacks and rotate those it asks for; says whether Secrets are new."""
        if compiled.snapshot.projects is self._content:
            return False
        secrets = self._world.secrets()
        work = [
            task
            for project, document in self._accepted(compiled)
            for task in (
                *(self._make(project, missing) for missing in project_keys.missing_keys(project, secrets.keys())),
                *(
                    self._rotate(project, document, one, secrets[project.metadata.namespace, one.secret_name])
                    for one in rotation.due(project, secrets)
                ),
            )
        ]
        self._content = None if work else compiled.snapshot.projects
        return any(await asyncio.gather(*work))

    def _accepted(self, compiled: Compiled) -> Iterator[tuple[Project, Document]]:
        """The accepted Projects that lack a key, or ask for a rotation: few of many."""
        for stored in self._world.objects.values():
            project = stored.parsed
            alive = stored.document["metadata"].get("deletionTimestamp") is None
            if isinstance(project, Project) and alive and _wants_something(compiled, project):
                yield project, stored.document

    def _new_key(self, project: Project, missing: MissingKey | Rotation) -> str:
        return project_keys.make_key(project_keys.prefix(missing.key), self._random(project_keys.RANDOM_BYTES))

    async def _make(self, project: Project, missing: MissingKey) -> bool:
        beside = rotation.first_entries(project, missing.key)
        key, now = self._new_key(project, missing), self._clock()
        body = project_keys.secret_body(project, missing, key=key, now=now, beside=beside)
        about = _about(project, missing)
        try:
            created = await self._kube.create_secret(body)
        except KubeError as error:
            _log.error("a project key could not be made", extra={**about, "error": str(error)})
            return False
        if created is None:
            return False
        _log.info("a project key was made", extra=about)
        self._world.put({"kind": "Secret", **created})
        return True

    async def _rotate(self, project: Project, document: Document, asked: Rotation, entries: Mapping[str, str]) -> bool:
        namespace, about = project.metadata.namespace, _about(project, asked)
        labels = project_keys.labels(project, asked.key)
        version = self._world.secret_version(namespace, asked.secret_name, labels=labels)
        if version is None or not rotation.is_made(entries):
            _log.warning("a Secret that havuz did not make is not rotated", extra={**about, "labels_wanted": labels})
            return False
        grace, now = project.spec.rotation_grace, self._clock()
        fresh = rotation.rotated(entries, asked, key=self._new_key(project, asked), grace=grace, now=now)
        try:
            written = await self._kube.patch_secret(namespace, asked.secret_name, version=version, entries=fresh)
        except KubeError as error:
            _log.error("a project key could not be rotated", extra={**about, "error": str(error)})
            return False
        if written is None:
            return False
        _log.info("a project key was rotated", extra={**about, "grace": grace})
        self._world.put({"kind": "Secret", **written})
        await self._tell(document, asked, grace=grace, now=now)
        return True

    async def _tell(self, about: Document, asked: Rotation, *, grace: str, now: datetime) -> None:
        told = key_rotated(asked.key.name, asked.secret_name, grace=grace)
        suffix = self._random(_SUFFIX_BYTES).hex()
        try:
            await self._kube.create_event(event_body(about, told, name_suffix=suffix, now=now))
        except KubeError as error:
            _log.warning("an event could not be posted", extra={"event": told.message, "error": str(error)})


def _wants_something(compiled: Compiled, project: Project) -> bool:
    status = compiled.statuses.get(project.ref)
    if status is None or not status.served:
        return False
    return rotation.ANNOTATION in project.metadata.annotations or any(
        one.type == "Resolved" and one.status != "True" for one in status.conditions
    )


def _about(project: Project, what: MissingKey | Rotation) -> Mapping[str, str]:
    return {"project": str(project.ref), "secret": what.secret_name}
