"""What customers ask of their keys in the dashboard: local mode carries it out as the operator does, in its folder."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

import redis

from havuz_contract import key_changes, project_keys
from havuz_contract.key_changes import Change, Finished, Make, Refuse, Remove, Replace
from havuz_contract.key_requests import KeyAnswer, KeyRequest, KeyRequests
from havuz_contract.v1alpha1.meta import ObjectRef
from havuz_contract.v1alpha1.project import Project
from havuz_gateway.local.compiling import Outcome
from havuz_gateway.local.credentials import MadeKeys

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.3


class LocalKeyDesk:
    """Carries out requests. `outcome` is the last compile, and `publish` compiles and publishes anew."""

    def __init__(
        self,
        requests: KeyRequests,
        made: MadeKeys,
        *,
        outcome: Callable[[], Outcome],
        publish: Callable[[], Awaitable[None]],
        clock: Callable[[], datetime],
    ) -> None:
        self._requests = requests
        self._made = made
        self._outcome = outcome
        self._publish = publish
        self._clock = clock

    async def run(self) -> None:
        """Run until cancelled. A server that is being started again is waited for."""
        while True:
            try:
                for request in await self._requests.pending():
                    await self._requests.answer(request, await self._handle(request))
            except (redis.RedisError, OSError) as error:
                _log.info("requests for keys wait for Redis", extra={"error": str(error)})
            await asyncio.sleep(_LOOK_SECONDS)

    async def _handle(self, request: KeyRequest) -> KeyAnswer:
        decision = self._decide(request)
        if isinstance(decision, Change):
            self._carry_out(request, decision)
            await self._publish()
            decision = self._decide(request)
        match decision:
            case Refuse(sentence):
                return KeyAnswer("Refused", sentence)
            case Finished(sentence, key):
                return KeyAnswer("Done", sentence, key)
            case _:
                return KeyAnswer("Refused", f"The manifests hold the Secret {decision.secret_name!r}; change it there.")

    def _decide(self, request: KeyRequest) -> key_changes.Decision:
        outcome = self._outcome()
        found = outcome.reading.objects.get(ObjectRef("Project", request.namespace, request.project))
        project = found if isinstance(found, Project) else None
        return key_changes.decide(request, project, outcome.secrets, self._clock())

    def _carry_out(self, request: KeyRequest, change: Change) -> None:
        place, now = (request.namespace, change.secret_name), self._clock()
        match change:
            case Make():
                entries: Mapping[str, str] = {
                    **project_keys.secret_data(self._made.new_key(change.prefix), now),
                    **key_changes.made_entries(request),
                }
                self._made.put(place, entries)
            case Replace():
                before = self._outcome().secrets[place]
                fresh = key_changes.reset_entries(before, request, key=self._made.new_key(change.prefix), now=now)
                self._made.put(place, {**before, **fresh})
            case Remove():
                self._made.remove(place)
