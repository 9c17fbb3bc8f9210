"""Statuses and Events: what is known of every object, written where `kubectl get` shows it, only when it changed."""

import asyncio
import gc
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf

from havuz_contract.compiler.compile import ObjectStatus
from havuz_contract.snapshot.models import Upstream
from havuz_contract.v1alpha1.meta import ObjectRef
from havuz_operator.attention import Attention
from havuz_operator.conditions import StatusChange, Transition
from havuz_operator.events import Happening, event_body, happening
from havuz_operator.kube import Kube, KubeError
from havuz_operator.money_report import Shown
from havuz_operator.status_content import Sources, StatusContent
from havuz_operator.world import Document, Stored

_log = logging.getLogger(__name__)

# Gateways load a revision within milliseconds: waiting that long spares most objects a second write.
_GRACE_SECONDS = 0.3
_FULL_EVERY_SECONDS = 300.0
_RETRY_SECONDS = 1.0
# A look at all of 10,000 objects takes half a second of CPU: in between, changes have the loop, and the interpreter.
_BREATHE_EVERY = 50
_BREATH_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class _Inputs:
    """All that the status of a Project is worked out from; `seen` is what gateways have loaded."""

    stored: Stored
    status: ObjectStatus
    money: Shown | None
    seen: tuple[int | None, int, int] | None

    def same_as(self, other: "_Inputs") -> bool:
        """Whether these are the very same: then the status that was right is right still."""
        same = self.stored is other.stored and self.status is other.status and self.money is other.money
        return same and self.seen == other.seen


class StatusReport:
    """Writes the statuses that `attention` is called to, those that the fleet concerns, and those of keys whose verdict
    ends by itself; now and then all, so that nothing that was missed stays wrong.
    """

    def __init__(
        self,
        sources: Sources,
        kube: Kube,
        attention: Attention,
        *,
        clock: Callable[[], datetime],
        unique: Callable[[], str],
    ) -> None:
        self._sources = sources
        self._kube = kube
        self._clock = clock
        self._unique = unique
        self._attention = attention
        self._complete: dict[ObjectRef, _Inputs] = {}
        self._content = StatusContent(sources, clock=clock)
        self._gateways: Mapping[str, int] | None = None
        self._next_full = inf

    async def run(self) -> None:
        """Run until cancelled. What could not be written is written a little later."""
        while True:
            await self._rest()
            if not self._sources.reconciler.ran:
                self._attention.wanted.clear()
                continue
            try:
                await self._sources.fleet.wait_loaded(self._sources.publication.revision, seconds=_GRACE_SECONDS)
                complete = await self._round()
            except Exception:  # one object's odd status must not end all reporting
                _log.exception("statuses could not be worked out")
                self._attention.call(None)
                complete = False
            if not complete:
                await asyncio.sleep(_RETRY_SECONDS)
                self._attention.wanted.set()

    async def _rest(self) -> None:
        """Return when something is to be looked at, which this calls for itself where only time has passed."""
        now = self._clock().timestamp()
        due = self._sources.health.next_change(now)
        moment = self._next_full if due is None else min(self._next_full, due)
        try:
            async with asyncio.timeout(None if moment == inf else max(0.05, moment - now)):
                await self._attention.wanted.wait()
        except TimeoutError:
            if due is not None and due <= moment:
                self._attention.call_pools()
        if self._clock().timestamp() >= self._next_full:
            self._attention.call(None)

    async def _round(self) -> bool:
        """Write every status that is due and says something new; False when one could not be written."""
        if self._fleet_moved():
            self._attention.call(None)
        looked, everything = self._attention.take(self._sources.world.objects)
        if everything:
            self._next_full = self._clock().timestamp() + _FULL_EVERY_SECONDS
            for gone in self._complete.keys() - self._sources.world.objects.keys():
                del self._complete[gone]
        self._connect_keys(looked)
        self._content.begin()
        failed = await self._write_all(looked)
        await self._tell_news()
        if failed:
            self._attention.call(failed)
        if everything:
            _spare_the_garbage_collector()
        return not failed

    def _fleet_moved(self) -> bool:
        """Whether gateways have come, gone or fallen back, which every status says; that they load does so of few."""
        fleet, before = self._sources.fleet, self._gateways
        after = self._gateways = None if fleet.found is None else dict(fleet.revisions)
        if before is None or after is None:
            return before is not after
        return before.keys() != after.keys() or any(after[one] < before[one] for one in before)

    async def _write_all(self, looked: Sequence[tuple[ObjectRef, Stored]]) -> list[ObjectRef]:
        """Write what says something new; returns what could not be written."""
        writing: dict[ObjectRef, asyncio.Task[bool]] = {}
        async with asyncio.TaskGroup() as group:
            for number, (ref, stored) in enumerate(looked):
                if number % _BREATHE_EVERY == _BREATHE_EVERY - 1:
                    await asyncio.sleep(_BREATH_SECONDS)
                difference = self._difference(ref, stored)
                if difference is not None:
                    writing[ref] = group.create_task(self._write(ref, stored, difference))
        return [ref for ref, task in writing.items() if not task.result()]

    async def _write(self, ref: ObjectRef, stored: Stored, difference: StatusChange) -> bool:
        try:
            written = await self._kube.patch_status(ref, uid=stored.uid, status=difference.patch)
            if written is None:
                return True
            self._sources.world.put({"kind": ref.kind, **written})
            for transition in difference.transitions:
                what = happening(transition)
                if what is not None and not _told_of_the_route(ref, transition):
                    await self._tell(written, what)
        except KubeError as error:
            _log.warning("a status could not be written", extra={"object": str(ref), "error": str(error)})
            return False
        return True

    async def _tell(self, about: Document, what: Happening) -> None:
        """Post an Event. Raises `KubeError`."""
        await self._kube.create_event(event_body(about, what, name_suffix=self._unique(), now=self._clock()))

    async def _tell_news(self) -> None:
        """Post what has happened to projects' money; what can't be posted is logged, and not tried again."""
        news = self._sources.money.take_news()
        if not news:
            return
        for stored in list(self._sources.world.objects.values()):
            for what in news.get(stored.uid, ()):
                try:
                    await self._tell(stored.document, what)
                except KubeError as error:
                    _log.warning("an event could not be posted", extra={"event": what.message, "error": str(error)})

    def _difference(self, ref: ObjectRef, stored: Stored) -> StatusChange | None:
        status = self._content.compiled(stored)
        if status is None or not self._finished(status):
            self._attention.unfinished.add(ref)
        else:
            self._attention.unfinished.discard(ref)
        if status is None:
            return None
        if ref.kind != "Project":  # health goes by the clock, and is looked at every time
            return self._content.difference(ref, stored, status)
        inputs = self._inputs(stored, status)
        known = self._complete.get(ref)
        if known is not None and known.same_as(inputs):
            return None
        difference = self._content.difference(ref, stored, status)
        if difference is None:
            self._complete[ref] = inputs
        return difference

    def _finished(self, status: ObjectStatus) -> bool:
        """Whether every gateway has loaded what the object came to: then only further news can change Programmed."""
        sources = self._sources
        since = sources.publication.since(status.uid, sources.reconciler.part(status.uid))
        return since is not None and self._content.loaded_since(since) == len(sources.fleet.revisions)

    def _inputs(self, stored: Stored, status: ObjectStatus) -> "_Inputs":
        sources = self._sources
        since = sources.publication.since(status.uid, sources.reconciler.part(status.uid))
        loaded = self._content.loaded_since(since)
        seen = None if sources.fleet.found is None else (since, loaded, len(sources.fleet.revisions))
        return _Inputs(stored, status, sources.money.look(status.uid), seen)

    def _connect_keys(self, looked: Sequence[tuple[ObjectRef, Stored]]) -> None:
        """Tell the book where each key is called, before anything is looked up in it."""
        for ref, stored in looked:
            part = self._sources.reconciler.part(stored.uid) if ref.kind == "UpstreamKey" else None
            if isinstance(part, Upstream):
                site = (part.provider, part.base_url, part.ca_bundle)
                called = (*site, part.credential, tuple(part.headers.items()))
                self._sources.health.connect(stored.uid, called, site=site)


def _spare_the_garbage_collector() -> None:
    """Put what is known of the cluster where no garbage is looked for: a look through it would take half a second."""
    gc.collect()
    gc.freeze()


def _told_of_the_route(ref: ObjectRef, transition: Transition) -> bool:
    """Whether this is news of a ModelRoute rather than of each of the thousand Projects that see it."""
    return ref.kind == "Project" and transition.after.type == "Priced"
