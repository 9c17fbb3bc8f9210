"""The composition: wires the parts and runs them until the process is told to stop."""

import asyncio
import logging
import os
import secrets
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from redis.asyncio import Redis

from havuz_contract.background import Background, Work
from havuz_contract.connection import connect
from havuz_contract.key_requests import KeyRequests
from havuz_contract.publish import Publisher
from havuz_contract.snapshot.models import Project
from havuz_operator.attention import Attention
from havuz_operator.fleet import Fleet
from havuz_operator.handlers.lifecycle import KindGoneError, watch_until_signalled
from havuz_operator.health_report import HealthReport
from havuz_operator.key_requests import KeyDesk
from havuz_operator.kube import Kube, KubeError
from havuz_operator.leadership import Leadership
from havuz_operator.money_report import MoneyReport
from havuz_operator.project_keys import KeyMaker
from havuz_operator.publication import Publication
from havuz_operator.reconcile import Reconciler
from havuz_operator.settings import Settings
from havuz_operator.status_content import Sources
from havuz_operator.status_report import StatusReport
from havuz_operator.world import WATCHED_KINDS, World

_log = logging.getLogger(__name__)

_FIRST_RESYNC_SECONDS = 10.0
_RETRY_SECONDS = 2.0
_DISCOVERY_SECONDS = 0.3
_ANSWER_SECONDS = 30.0  # a large configuration is written in one transaction


async def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises `KubeError` when no cluster is configured."""
    world = World()
    client = connect(
        settings.redis_url.get_secret_value(),
        name="havuz-operator",
        ca_file=settings.redis_ca_file,
        answer_seconds=_ANSWER_SECONDS,
    )
    async with client, Kube(settings.namespaces) as kube:
        await _list_all(kube, world)

        def duties() -> dict[str, Work]:
            world.changed.set()
            return _Parts(settings, world=world, kube=kube, client=client).work()

        async def resync() -> None:
            await _resync(kube, world, interval=settings.resync_interval)

        lead = partial(_lead, _election(settings, kube), duties)
        async with Background({"duties": lead, "resync": resync}):
            await _watch(settings, kube, world)
    _log.info("stopped")


async def _watch(settings: Settings, kube: Kube, world: World) -> None:
    """Watch until signalled, and begin anew whenever a CRD that was taken away is there again."""
    liveness_endpoint = f"http://{settings.operations_host}:{settings.operations_port}/livez"
    while True:
        await _await_discovery(kube)
        try:
            await watch_until_signalled(world, namespaces=settings.namespaces, liveness_endpoint=liveness_endpoint)
        except KindGoneError as error:
            _log.warning("a kind is gone; waiting until every kind can be listed", extra={"error": str(error)})
            await _list_all(kube, world)
            world.changed.set()
        else:
            return


def _election(settings: Settings, kube: Kube) -> Leadership | None:
    if settings.lease_namespace is None:
        return None
    return Leadership(
        kube,
        namespace=settings.lease_namespace,
        name=settings.lease_name,
        holder=f"{socket.gethostname()}_{secrets.token_hex(4)}",
        now=time.monotonic,
        wall=_now,
    )


async def _lead(election: Leadership | None, duties: Callable[[], dict[str, Work]]) -> None:
    """Do the duties while this is the operator to do them; a new term begins from nothing but the world."""
    if election is None:
        async with Background(duties()):
            await asyncio.Event().wait()
        return
    try:
        while True:
            await election.acquire()
            async with Background(duties()):
                await election.lost()
    finally:
        await election.release()


class _Parts:
    """The parts of one running operator."""

    def __init__(self, settings: Settings, *, world: World, kube: Kube, client: Redis) -> None:
        keyring = settings.keyring()
        self._world = world
        self._desk = KeyDesk(
            KeyRequests(client, keyring),
            world=world,
            kube=kube,
            served=self._key_is_served,
            clock=_now,
            random=os.urandom,
        )
        self._publication = Publication(client, lambda: Publisher(client, keyring))
        self._fleet = Fleet(client, on_change=self._fleet_changed, monotonic=time.monotonic, wall=time.time)
        attention = Attention()
        self._look_at = attention.call
        self._health = HealthReport(client, on_change=attention.call_pools)
        self._money = MoneyReport(client, on_change=attention.call, clock=_now)
        self._reconciler = Reconciler(
            world=world,
            publication=self._publication,
            keep_keys=KeyMaker(world=world, kube=kube, clock=_now, random=os.urandom).keep,
            credit=self._money.credit,
            on_compiled=attention.call,
            clock=_now,
            debounce=settings.debounce,
        )
        sources = Sources(world, self._reconciler, self._publication, self._fleet, self._health.book, self._money)
        self._statuses = StatusReport(sources, kube, attention, clock=_now, unique=lambda: secrets.token_hex(8))

    def work(self) -> dict[str, Work]:
        """What runs side by side, by name."""
        return {
            "reconcile": self._reconciler.run,
            "statuses": self._statuses.run,
            "fleet": self._fleet.run,
            "health": self._health.run,
            "money": self._money.run,
            "key-requests": self._desk.run,
        }

    def _key_is_served(self, uid: str, name: str, digest: str | None) -> bool:
        part = self._reconciler.part(uid)
        since = self._publication.since(uid, part)
        keys = part.keys if isinstance(part, Project) else ()
        known = next((key.sha256 for key in keys if key.name == name), None)
        return known == digest and since is not None and self._fleet.loaded(since) == len(self._fleet.revisions)

    def _fleet_changed(self) -> None:
        """A gateway came, went or loaded; or Redis is behind us, which publishing looks into."""
        self._look_at(())
        if self._fleet.found is not None and self._fleet.found < self._publication.revision:
            self._world.changed.set()


async def _resync(kube: Kube, world: World, *, interval: float) -> None:
    """List everything now and then: what a watch has missed, above all a deletion, is found so."""
    await asyncio.sleep(_FIRST_RESYNC_SECONDS)
    while True:
        await _list_all(kube, world)
        world.changed.set()
        await asyncio.sleep(interval)


async def _await_discovery(kube: Kube) -> None:
    """Return once discovery names every kind: kopf looks there once, and would never watch what it does not find."""
    while True:
        try:
            if await kube.discovered():
                return
            _log.info("waiting until the API server's discovery names every kind")
        except KubeError as error:
            _log.warning("the API server's discovery can't be read", extra={"error": str(error)})
        await asyncio.sleep(_DISCOVERY_SECONDS)


async def _list_all(kube: Kube, world: World) -> None:
    """Take in a full listing of every kind, trying until each has been read.

    Nothing may be published before: an object that is merely not known yet would be deleted from the gateways.
    """
    for kind in WATCHED_KINDS:
        while True:
            try:
                for listing in await kube.list(kind):
                    world.replace(kind, listing.documents, version=listing.version, namespace=listing.namespace)
                break
            except KubeError as error:
                advice = "; install the chart havuz-crds first" if error.status == 404 else ""
                _log.warning("a kind can't be listed", extra={"kind": kind, "error": f"{error}{advice}"})
                await asyncio.sleep(_RETRY_SECONDS)


def _now() -> datetime:
    return datetime.now(UTC)
