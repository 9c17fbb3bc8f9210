"""What customers ask of their keys in the dashboard: carried out one by one, and answered once gateways serve it.

Level-triggered: every round looks at each open request anew, so that a restart at any moment repeats and loses nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import assert_never

import redis

from havuz_contract import key_changes, project_keys
from havuz_contract.key_changes import Change, Finished, Make, Refuse, Remove, Replace
from havuz_contract.key_requests import KeyAnswer, KeyRequest, KeyRequests
from havuz_contract.project_keys import MissingKey
from havuz_contract.v1alpha1.meta import ObjectRef
from havuz_contract.v1alpha1.project import Project
from havuz_operator.events import event_body, key_request_done
from havuz_operator.kube import Kube, KubeError
from havuz_operator.world import Document, World

_log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.5
_RETRY_SECONDS = 2.0
# A gateway that hangs must not keep a customer from the key that the others serve.
_SERVED_SECONDS = 15.0
_SUFFIX_BYTES = 8

Served = Callable[[str, str, str | None], bool]


class KeyDesk:
    """Carries out requests. `random` gives that many random bytes.

    `served` says whether every gateway knows a project's (uid) key of a name by a SHA-256; or, with None, knows none.
    """

    def __init__(
        self,
        requests: KeyRequests,
        *,
        world: World,
        kube: Kube,
        served: Served,
        clock: Callable[[], datetime],
        random: Callable[[int], bytes],
    ) -> None:
        self._requests = requests
        self._world = world
        self._kube = kube
        self._served = served
        self._clock = clock
        self._random = random
        self._finished_at: dict[str, datetime] = {}

    async def run(self) -> None:
        """Run until cancelled; what fails is tried again, as long as the request waits."""
        while True:
            try:
                went_well = await self._round()
            except (redis.RedisError, OSError) as error:
                _log.warning("requests for keys can't be read from Redis", extra={"error": str(error)})
                went_well = False
            await asyncio.sleep(_LOOK_SECONDS if went_well else _RETRY_SECONDS)

    async def _round(self) -> bool:
        """Look at every request; says whether the API server took all that it was told. Raises `redis.RedisError`."""
        pending, went_well = await self._requests.pending(), True
        for request in pending:
            try:
                answer = await self._handle(request)
            except KubeError as error:
                _log.error("a request for a key could not be done", extra={**_about(request), "error": str(error)})
                went_well = False
                continue
            if answer is not None:
                await self._requests.answer(request, answer)
                _log.info("a request for a key was answered", extra={**_about(request), "answer": answer.state})
        for gone in self._finished_at.keys() - {one.id for one in pending}:
            del self._finished_at[gone]
        return went_well

    async def _handle(self, request: KeyRequest) -> KeyAnswer | None:
        """The answer; None where it has to wait. Raises `KubeError`."""
        stored = self._world.objects.get(ObjectRef("Project", request.namespace, request.project))
        project = stored.parsed if stored is not None and isinstance(stored.parsed, Project) else None
        match key_changes.decide(request, project, self._world.secrets(), self._clock()):
            case Refuse(sentence):
                return KeyAnswer("Refused", sentence)
            case Finished(sentence, key):
                return KeyAnswer("Done", sentence, key) if self._is_served(request, key) else None
            case change:
                assert stored is not None and project is not None  # noqa: S101, PT018 - a change is of something
                return await self._change(request, change, project, stored.document)

    def _is_served(self, request: KeyRequest, key: str | None) -> bool:
        digest = None if key is None else project_keys.sha256(key)
        if self._served(request.project_uid, request.key, digest):
            return True
        since = self._finished_at.setdefault(request.id, self._clock())
        return (self._clock() - since).total_seconds() > _SERVED_SECONDS

    async def _change(self, request: KeyRequest, change: Change, project: Project, about: Document) -> KeyAnswer | None:
        """Write the Secret. None: done, or to be looked at again; a Secret that havuz did not make stays as it is."""
        if isinstance(change, Make):
            done = await self._make(request, change, project)
        else:
            labels = project_keys.labels if isinstance(change, Replace) else project_keys.self_made_labels
            wanted = labels(project, change.key)
            version = self._world.secret_version(request.namespace, change.secret_name, labels=wanted)
            if version is None:
                return KeyAnswer("Refused", f"Key {change.key.name!r} was not made here; ask whoever gave it to you.")
            match change:
                case Replace():
                    done = await self._replace(request, change, version=version)
                case Remove():
                    done = await self._remove(request, change, version=version)
                case _:
                    assert_never(change)
        if done:
            await self._tell(about, request)
        return None

    async def _make(self, request: KeyRequest, change: Make, project: Project) -> bool:
        body = project_keys.secret_body(
            project,
            MissingKey(change.key, change.secret_name),
            key=self._new_key(change),
            now=self._clock(),
            beside=key_changes.made_entries(request),
        )
        body["metadata"]["labels"] = project_keys.self_made_labels(project, change.key)
        return self._taken_in(await self._kube.create_secret(body))

    async def _replace(self, request: KeyRequest, change: Replace, *, version: int) -> bool:
        entries = self._world.secrets()[request.namespace, change.secret_name]
        fresh = key_changes.reset_entries(entries, request, key=self._new_key(change), now=self._clock())
        return self._taken_in(
            await self._kube.patch_secret(request.namespace, change.secret_name, version=version, entries=fresh)
        )

    async def _remove(self, request: KeyRequest, change: Remove, *, version: int) -> bool:
        namespace, name = request.namespace, change.secret_name
        if not await self._kube.delete_secret(namespace, name, version=version):
            return False
        metadata = {"namespace": namespace, "name": name, "resourceVersion": str(version)}
        self._world.drop({"kind": "Secret", "metadata": metadata})
        return True

    def _taken_in(self, written: Document | None) -> bool:
        if written is not None:
            self._world.put({"kind": "Secret", **written})
        return written is not None

    def _new_key(self, change: Make | Replace) -> str:
        return project_keys.make_key(change.prefix, self._random(project_keys.RANDOM_BYTES))

    async def _tell(self, about: Document, request: KeyRequest) -> None:
        told = key_request_done(request.action, request.key, asked_by=request.asked_by)
        suffix = self._random(_SUFFIX_BYTES).hex()
        try:
            await self._kube.create_event(event_body(about, told, name_suffix=suffix, now=self._clock()))
        except KubeError as error:
            _log.warning("an event could not be posted", extra={"event": told.message, "error": str(error)})


def _about(request: KeyRequest) -> Mapping[str, str]:
    return {
        "project": f"{request.namespace}/{request.project}",
        "key_name": request.key,
        "action": request.action,
        "asked_by": request.asked_by,
    }
