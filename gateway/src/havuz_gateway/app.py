"""The composition root: every concrete class is made and wired here, and nowhere else."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator

from havuz_contract.connection import connect, read_url
from havuz_contract.settings import SettingsError
from havuz_contract.snapshot.models import Upstream
from havuz_gateway import lifecycle
from havuz_gateway.config.disk_copy import DiskCopy
from havuz_gateway.config.fleet import FleetReport
from havuz_gateway.config.holder import Holder
from havuz_gateway.config.redis_source import RedisSource
from havuz_gateway.config.state import Decoder, State
from havuz_gateway.metering.address import calls_to
from havuz_gateway.metering.link import Calls
from havuz_gateway.metering.redis_meter import MeterSettings, RedisMeter
from havuz_gateway.metering.usage import UsageReader
from havuz_gateway.metering.watch import AccountsWatch
from havuz_gateway.operations import Readiness
from havuz_gateway.pipeline.services import Services
from havuz_gateway.pool.pool import Pool
from havuz_gateway.pool.probe import Probes
from havuz_gateway.pool.sharing import Sharing
from havuz_gateway.pool.types import Member
from havuz_gateway.providers.base import Provider
from havuz_gateway.providers.mock import Mock, MockTransport
from havuz_gateway.providers.registry import provider_for
from havuz_gateway.responses.store import ResponseStore, StoreSettings
from havuz_gateway.settings import Settings
from havuz_gateway.surfaces.catalogue import every_surface
from havuz_gateway.surfaces.http import HttpBounds, HttpEdge
from havuz_gateway.telemetry import setup
from havuz_gateway.telemetry.recorder import Telemetry
from havuz_gateway.transport.base import Transport
from havuz_gateway.transport.client import HttpTransport

VERSION = "0.1.0"


class _Parts:
    """The parts of one gateway, in the order in which they need each other."""

    def __init__(self, settings: Settings) -> None:
        keyring = settings.keyring()
        self.telemetry = _telemetry(settings)
        self.redis = connect(
            settings.redis_url.get_secret_value(), name="havuz-gateway", ca_file=settings.redis_ca_file
        )
        self.decoder = Decoder(keyring, now=time.monotonic)
        self.holder = Holder(wall=time.time)
        self.disk = DiskCopy(settings.state_dir, keyring) if settings.state_dir is not None else None
        self.source = self._source()
        self.http = HttpTransport([setup.traced_trace_config(self.telemetry)])
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
        self.responses = ResponseStore(_calls(settings), keyring, _store_settings(settings))
        self.services = self._services(settings.reservation_margin)

    def _services(self, reservation_margin: float) -> Services:
        return Services(
            view=self.holder.view,
            pool=self.pool,
            meter=self.meter,
            usage=self.usage,
            reservation_margin=reservation_margin,
            responses=self.responses,
            telemetry=self.telemetry,
            test_member=self._test_member,
            now=time.monotonic,
            wall=time.time,
        )

    def _source(self) -> RedisSource:
        return RedisSource(
            self.redis,
            self.decoder,
            self.holder,
            kept=self._kept,
            on_state=self.disk.keep if self.disk is not None else _forget,
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


def build_gateway(settings: Settings) -> lifecycle.Gateway:
    """Wire one gateway process. Needs a running loop. Raises `SettingsError`."""
    parts = _Parts(settings)
    edge = HttpEdge(every_surface(), parts.services, bounds=_http_bounds(settings))
    metrics = parts.telemetry.metrics
    metrics.observe_config(revision=lambda: parts.holder.view().revision, age=parts.source.age)
    metrics.observe_meter(money=parts.watch.money, backlog=parts.meter.backlog)
    metrics.observe_in_flight(lambda: edge.active)
    metrics.observe_pool(states=lambda: parts.pool.states(time.monotonic()), usable=parts.usable_shares)
    background = {
        "configuration": parts.source.run,
        "fleet": parts.fleet.run,
        "sharing": parts.sharing.run,
        "probes": parts.probes.run,
        "usage": parts.usage.run,
        "money": parts.watch.run,
        "responses": parts.responses.run,
    }
    closing: list[Callable[[], Awaitable[None]]] = [
        parts.services.drains.close,
        parts.meter.close,
        parts.fleet.leave,
        parts.telemetry.close,
        parts.http.close,
    ]
    if parts.disk is not None:
        background["disk-copy"] = parts.disk.run
        closing.insert(0, parts.disk.flush)
    closing.append(parts.redis.aclose)
    parts.telemetry.start()
    parts.meter.start()
    return lifecycle.Gateway(
        edge=edge,
        readiness=Readiness(problem=lambda: parts.source.problem),
        loaded=parts.holder.loaded,
        render_metrics=parts.telemetry.render,
        background=background,
        closing=closing,
    )


async def run_gateway(settings: Settings, *, stop: asyncio.Event, ready: Callable[[], None] | None = None) -> None:
    """Build one gateway and serve until `stop` is set; `ready` is called once it does.

    Raises `SettingsError` and `lifecycle.PortTakenError`.
    """
    ports = lifecycle.Ports(
        public=(settings.host, settings.port),
        operations=(settings.operations_host, settings.operations_port) if settings.operations_port else None,
    )
    drain = lifecycle.Drain(delay=settings.drain_delay, grace=settings.drain_grace)
    await lifecycle.serve(build_gateway(settings), ports, drain, stop=stop, ready=ready)


def _http_bounds(settings: Settings) -> HttpBounds:
    return HttpBounds(
        max_body=settings.max_body_bytes,
        max_image_form=settings.max_image_form_bytes,
        max_audio_form=settings.max_audio_form_bytes,
        upload_room=settings.upload_room_bytes,
    )


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


def _store_settings(settings: Settings) -> StoreSettings:
    return StoreSettings(days=settings.response_days, project_bytes=settings.response_bytes)


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
