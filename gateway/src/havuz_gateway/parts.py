"""The concrete parts of one gateway process, wired; nothing else constructs them."""

import random
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from havuz_contract import keys
from havuz_contract.connection import connect, read_url
from havuz_contract.key_requests import KeyRequests
from havuz_contract.settings import SettingsError
from havuz_contract.snapshot.envelope import Keyring
from havuz_contract.snapshot.models import Upstream
from havuz_gateway.callbacks.delivery import Callbacks
from havuz_gateway.callbacks.queue import CallbackQueue
from havuz_gateway.callbacks.signing import WebhookSecrets
from havuz_gateway.config.disk_copy import DiskCopy
from havuz_gateway.config.fleet import FleetReport
from havuz_gateway.config.holder import Holder
from havuz_gateway.config.redis_source import RedisSource
from havuz_gateway.config.state import Decoder, State
from havuz_gateway.files.links import Links
from havuz_gateway.files.object_store import ObjectStore
from havuz_gateway.jobs.image import ImageJob
from havuz_gateway.metering.address import calls_to
from havuz_gateway.metering.last_used import LastUsed
from havuz_gateway.metering.link import Calls
from havuz_gateway.metering.redis_meter import MeterSettings, RedisMeter
from havuz_gateway.metering.turn import Turn
from havuz_gateway.metering.usage import UsageReader
from havuz_gateway.metering.watch import AccountsWatch
from havuz_gateway.pipeline.services import Services
from havuz_gateway.pool.pool import Pool
from havuz_gateway.pool.probe import Probes
from havuz_gateway.pool.sharing import Sharing
from havuz_gateway.pool.types import Member
from havuz_gateway.providers.base import Provider
from havuz_gateway.providers.mock import Mock, MockTransport
from havuz_gateway.providers.registry import provider_for
from havuz_gateway.responses.store import ResponseStore, StoreSettings
from havuz_gateway.sessions.guesses import Guesses
from havuz_gateway.sessions.store import Sessions
from havuz_gateway.sessions.tokens import Tokens
from havuz_gateway.settings import Settings
from havuz_gateway.surfaces.pages.answers import Desk, PageSettings, make_desk
from havuz_gateway.surfaces.pages.sites import Sites
from havuz_gateway.tasks.queue import TaskQueue
from havuz_gateway.tasks.signature import Signatures
from havuz_gateway.tasks.store import TaskSettings, TaskStore
from havuz_gateway.tasks.sweeper import TaskSweeper
from havuz_gateway.tasks.worker import Worker, WorkerSettings
from havuz_gateway.telemetry import setup
from havuz_gateway.telemetry.recorder import Telemetry, Tracing
from havuz_gateway.transport.addresses import read_networks
from havuz_gateway.transport.aiohttp_client import AiohttpTransport
from havuz_gateway.transport.base import Transport
from havuz_gateway.transport.client import HttpTransport
from havuz_gateway.transport.guarded_fetch import GuardedFetcher

if TYPE_CHECKING:
    from havuz_gateway.files.bucket import Bucket

VERSION = "0.1.0"


class Parts:
    """The parts of one gateway, in the order in which they need each other."""

    def __init__(self, settings: Settings) -> None:
        keyring = self.keyring = settings.keyring()
        self.telemetry = _telemetry(settings)
        self.redis = connect(
            settings.redis_url.get_secret_value(), name="havuz-gateway", ca_file=settings.redis_ca_file
        )
        self.decoder = Decoder(keyring)
        self.holder = Holder(wall=time.time)
        self.disk = DiskCopy(settings.state_dir, keyring) if settings.state_dir is not None else None
        self.source = self._source()
        self.http = _http(settings, self.telemetry)
        self.mock = MockTransport(time.time)
        self.pool = Pool(self._transport_for, provider_for)
        self.sharing = Sharing(self.redis, self.pool, settings.gateway_id)
        self.probes = Probes(self.pool)
        self.holder.listen(lambda view: self.pool.sync(view.snapshot.upstreams, now=time.monotonic()))
        self.fleet = FleetReport(self.redis, self.holder, gateway_id=settings.gateway_id, wall=time.time)
        self.meter = _meter(settings)
        self.usage = UsageReader(_calls(settings))
        self.watch = AccountsWatch(
            self.usage, served=self.meter.served, projects=lambda: self.holder.view().snapshot.projects, wall=time.time
        )
        self.last_used = LastUsed(self.redis, wall=time.time)
        self.responses = ResponseStore(_calls(settings), keyring, _store_settings(settings))
        self.files = _files(settings)
        self.links = Links(keyring, seconds=settings.file_link_hours * 3600)
        self.fetcher = GuardedFetcher(allow=read_networks(settings.fetch_allow))
        calls = _calls(settings)
        self.tasks = TaskStore(calls, keyring, _task_settings(settings))
        self.queue = TaskQueue(calls, self.redis, consumer=settings.gateway_id)
        self.task_sweeper = self._task_sweeper(settings, calls)
        self.signatures = Signatures(keyring)
        self.callbacks = self._callbacks(settings, keyring)
        self.services = self._services(settings)
        self.desk = self._desk(settings, keyring) if settings.pages else None
        self.worker = self._worker(settings) if settings.role != "proxy" else None

    def _services(self, settings: Settings) -> Services:
        return Services(
            view=self.holder.view,
            pool=self.pool,
            meter=self.meter,
            usage=self.usage,
            last_used=self.last_used,
            key_requests=KeyRequests(self.redis, self.keyring),
            reservation_margin=settings.reservation_margin,
            responses=self.responses,
            files=self.files,
            links=self.links,
            fetcher=self.fetcher,
            tasks=self.tasks,
            queue=self.queue,
            signatures=self.signatures,
            image_model=settings.image_model,
            callbacks=self.callbacks,
            public_url=settings.public_url,
            telemetry=self.telemetry,
            test_member=self._test_member,
            now=time.monotonic,
            wall=time.time,
        )

    def _desk(self, settings: Settings, keyring: Keyring) -> Desk:
        tokens = Tokens(keyring)
        sessions = Sessions(self.redis, keyring, tokens, seconds=settings.pages_session_minutes * 60)
        sites = Sites.read(settings.pages_sites_file) if settings.pages_sites_file is not None else Sites()
        return make_desk(
            PageSettings(sites=sites, proxies=settings.pages_proxies), sessions, Guesses(self.redis, tokens)
        )

    def _worker(self, settings: Settings) -> Worker:
        return Worker(
            self.tasks,
            self.queue,
            ImageJob(self.services),
            WorkerSettings(slots=settings.task_slots, attempts=settings.task_attempts, lease=settings.task_lease),
        )

    def _task_sweeper(self, settings: Settings, calls: Calls) -> TaskSweeper:
        seconds = settings.sweep_interval * 2  # it looks at every project, however quiet
        return TaskSweeper(
            self.tasks,
            self.queue,
            Turn(calls, keys.TASK_SWEEPER, owner=settings.gateway_id, seconds=seconds * 3),
            projects=lambda: self.holder.view().snapshot.projects,
            seconds=seconds,
            wall=time.time,
        )

    def _callbacks(self, settings: Settings, keyring: Keyring) -> Callbacks:
        return Callbacks(
            CallbackQueue(self.redis, keyring),
            WebhookSecrets(keyring),
            self.fetcher,
            versions=self._webhook_versions,
            delays=[float(delay) for delay in settings.callback_delays.split()],
            wall=time.time,
            rng=random.Random(),  # noqa: S311 - spreads attempts
        )

    def _webhook_versions(self, project_uid: str) -> tuple[int, ...] | None:
        project = self.holder.view().snapshot.projects.get(project_uid)
        return None if project is None else project.webhook_versions

    async def deliver_callbacks(self) -> None:
        """Tell what is due, once it is known who its projects are."""
        await self.holder.loaded.wait()
        await self.callbacks.run()

    def _source(self) -> RedisSource:
        return RedisSource(
            self.redis,
            self.decoder,
            self.holder,
            kept=self._kept,
            on_state=self.disk.keep if self.disk is not None else _forget,
            prepare=lambda snapshot: self.pool.prepare(snapshot.upstreams, now=time.monotonic()),
            now=time.monotonic,
            rng=random.Random(),  # noqa: S311 - spreads reconnects
        )

    async def _kept(self) -> State | None:
        return await self.disk.load(self.decoder) if self.disk is not None else None

    def _transport_for(self, _: Upstream, provider: Provider) -> Transport:
        return self.mock if provider.in_process else self.http

    def usable_shares(self) -> Iterator[tuple[str, float]]:
        """Public model ids, each with the share of its candidates that could be asked now."""
        now = time.monotonic()
        for route in self.holder.view().snapshot.routes.values():
            candidates = [candidate for tier in self.pool.tiers(route.targets) for candidate in tier]
            usable = sum(one.member.blocked(one.target.model, now) is None for one in candidates)
            yield route.model, usable / len(candidates) if candidates else 0.0

    def _test_member(self) -> Member:
        upstream = Upstream(uid="test-key", name="havuz/test-key", provider="mock")
        return Member(upstream=upstream, provider=_MOCK, transport=self.mock)


_MOCK = Mock()


def _meter(settings: Settings) -> RedisMeter:
    calls = _calls(settings)
    folder = settings.state_dir / "settles" if settings.state_dir is not None else None
    try:
        return RedisMeter(
            calls,
            owner=settings.gateway_id,
            wall=time.time,
            settings=MeterSettings(
                spool_folder=folder,
                spool_bytes=settings.spool_bytes,
                days_kept=settings.usage_days,
                events_kept=settings.usage_events,
                sweep_seconds=settings.sweep_interval,
            ),
        )
    except OSError as error:
        raise SettingsError(f"setting 'state_dir': {str(folder)!r} can't be written: {error.strerror}") from None


def _http(settings: Settings, telemetry: Telemetry) -> HttpTransport | AiohttpTransport:
    if settings.http_client == "aiohttp":
        return _by_aiohttp(telemetry.tracing)
    return HttpTransport(connections=settings.upstream_connections)


def _by_aiohttp(tracing: Tracing | None) -> AiohttpTransport:
    if tracing is None or tracing.export is None:
        return AiohttpTransport()
    from havuz_gateway.telemetry import aiohttp_spans  # with the SDK, which nothing else needs

    return AiohttpTransport([aiohttp_spans.trace_config(tracing.export, tracing.about)])


def _store_settings(settings: Settings) -> StoreSettings:
    return StoreSettings(days=settings.response_days, project_bytes=settings.response_bytes)


def _task_settings(settings: Settings) -> TaskSettings:
    return TaskSettings(seconds=settings.task_seconds, days=settings.task_days, most_open=settings.task_open)


def _files(settings: Settings) -> ObjectStore:
    url = settings.object_store.get_secret_value()
    try:
        store = _bucket(url) if url else None
    except ValueError as error:
        raise SettingsError(f"setting 'object_store' (HAVUZ_OBJECT_STORE, --object-store): {error}") from None
    return ObjectStore(store, days=settings.file_days, max_bytes=settings.file_bytes, wall=time.time)


def _bucket(url: str) -> "Bucket":
    from havuz_gateway.files.bucket import open_bucket  # several MiB

    return open_bucket(url)


def _calls(settings: Settings) -> Calls:
    place = read_url(settings.redis_url.get_secret_value(), ca_file=settings.redis_ca_file)
    try:
        return calls_to(place, timeout=settings.meter_timeout)
    except OSError as error:
        raise SettingsError(f"setting 'redis_url': a file that its TLS needs can't be used: {error.strerror}") from None


def _telemetry(settings: Settings) -> Telemetry:
    try:
        return setup.build(instance_id=settings.gateway_id, version=VERSION, sample_ratio=settings.trace_ratio)
    except ValueError as error:
        raise SettingsError(str(error)) from None


def _forget(_: State) -> None:
    """Without a state folder nothing is kept."""
