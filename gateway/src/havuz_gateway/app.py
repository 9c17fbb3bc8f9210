"""How the parts of a gateway run together, and what of them its metrics show."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

from havuz_contract.background import Work
from havuz_gateway import lifecycle
from havuz_gateway.operations import Readiness
from havuz_gateway.parts import Parts
from havuz_gateway.settings import Settings
from havuz_gateway.surfaces.catalogue import every_surface
from havuz_gateway.surfaces.http import HttpBounds, HttpEdge
from havuz_gateway.tasks.worker import Worker


def build_gateway(settings: Settings) -> lifecycle.Gateway:
    """Wire one gateway process. Needs a running loop. Raises `SettingsError`."""
    parts = Parts(settings)
    edge = HttpEdge(
        every_surface(parts.desk), parts.services, bounds=_http_bounds(settings), front=settings.http_server == "own"
    )
    _observe(parts, edge)
    background = _background(parts)
    closing: list[Callable[[], Awaitable[None]]] = [
        parts.services.drains.close,
        parts.meter.close,
        parts.last_used.close,
        parts.fleet.leave,
        parts.telemetry.close,
        parts.http.close,
    ]
    if parts.disk is not None:
        closing.insert(0, parts.disk.flush)
    closing.append(parts.redis.aclose)
    parts.telemetry.start()
    parts.meter.start()
    return lifecycle.Gateway(
        edge=edge,
        worker=parts.worker,
        readiness=Readiness(problem=lambda: parts.source.problem),
        loaded=parts.holder.loaded,
        render_metrics=parts.telemetry.render,
        background=background,
        closing=closing,
    )


def _observe(parts: Parts, edge: HttpEdge) -> None:
    """Show in the metrics what the parts know."""
    metrics = parts.telemetry.metrics
    metrics.observe_config(revision=lambda: parts.holder.view().revision, age=parts.source.age)
    metrics.observe_meter(money=parts.watch.money, backlog=parts.meter.backlog)
    metrics.observe_in_flight(lambda: edge.active)
    metrics.observe_pool(states=lambda: parts.pool.states(time.monotonic()), usable=parts.usable_shares)
    metrics.observe_backlogs(tasks=lambda: parts.queue.state, callbacks=lambda: parts.callbacks.state)


def _background(parts: Parts) -> dict[str, Work]:
    """What runs beside the requests, by name."""
    works: dict[str, Work] = {
        "configuration": parts.source.run,
        "fleet": parts.fleet.run,
        "sharing": parts.sharing.run,
        "probes": parts.probes.run,
        "usage": parts.usage.run,
        "money": parts.watch.run,
        "last-used": parts.last_used.run,
        "responses": parts.responses.run,
        "files": parts.files.run,
        "tasks": parts.tasks.run,
        "task-doubts": parts.tasks.doubts.run,
        "queue": parts.queue.run,
        "task-sweep": parts.task_sweeper.run,
        "callbacks": parts.deliver_callbacks,
        "callbacks-state": parts.callbacks.watch,
    }
    if parts.worker is not None:
        works["worker"] = partial(_work, parts.worker, parts.holder.loaded)
    if parts.disk is not None:
        works["disk-copy"] = parts.disk.run
    return works


async def _work(worker: Worker, loaded: asyncio.Event) -> None:
    await loaded.wait()  # without a configuration, no task can be done
    await worker.run()


async def run_gateway(settings: Settings, *, stop: asyncio.Event, ready: Callable[[], None] | None = None) -> None:
    """Build one gateway and serve until `stop` is set; `ready` is called once it does.

    Raises `SettingsError` and `lifecycle.PortTakenError`.
    """
    ports = lifecycle.Ports(
        public=(settings.host, settings.port) if settings.role != "worker" else None,
        operations=(settings.operations_host, settings.operations_port) if settings.operations_port else None,
        shared=settings.shared_port,
    )
    drain = lifecycle.Drain(delay=settings.drain_delay, grace=settings.drain_grace)
    await lifecycle.serve(build_gateway(settings), ports, drain, stop=stop, ready=ready)


def _http_bounds(settings: Settings) -> HttpBounds:
    return HttpBounds(
        max_body=settings.max_body_bytes,
        max_image_form=settings.max_image_form_bytes,
        max_audio_form=settings.max_audio_form_bytes,
        upload_room=settings.upload_room_bytes,
        head=settings.http_head_seconds,
    )
