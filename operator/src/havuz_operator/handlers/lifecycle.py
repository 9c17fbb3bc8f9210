"""How kopf runs inside this operator: its settings, its login, signals, and the liveness probe."""

import asyncio
import signal
from collections.abc import Collection
from typing import Any

import kopf

from havuz_operator.handlers.resources import watch
from havuz_operator.world import World

_NOT_FOUND = 404


class KindGoneError(Exception):
    """The API server does not serve one of the watched kinds any more."""


def end_on_signal() -> None:
    """Let SIGTERM and SIGINT cancel the current task, until kopf takes them over."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine runs in a task
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)


async def watch_until_signalled(world: World, *, namespaces: Collection[str], liveness_endpoint: str) -> None:
    """Run kopf until SIGTERM or SIGINT: it feeds `world`, and answers at `liveness_endpoint`.

    Raises `KindGoneError`.
    """
    registry = kopf.OperatorRegistry()
    watch(registry, world)
    kopf.on.login(registry=registry)(_login)
    kopf.on.probe(id="objects", registry=registry)(_count_of(world))
    try:
        await kopf.operator(
            registry=registry,
            settings=_settings(),
            clusterwide=not namespaces,
            namespaces=tuple(namespaces),
            standalone=True,
            liveness_endpoint=liveness_endpoint,
        )
    except Exception as error:
        if getattr(error, "status", None) != _NOT_FOUND:
            raise
        raise KindGoneError(str(error)) from None
    finally:
        end_on_signal()


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    # The CRDs are there before this operator serves; watching them would need one more right.
    settings.scanning.disabled = True
    settings.watching.server_timeout = 300
    settings.process.ultimate_exiting_timeout = None
    return settings


def _login(**kwargs: Any) -> Any:
    return kopf.login_via_client(**kwargs)


def _count_of(world: World) -> Any:
    def count(**_: Any) -> int:
        return len(world.objects)

    return count
