"""Gauges of what waits in Redis for any process of the fleet: tasks to be done, and callbacks to be told."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from havuz_gateway.telemetry import names
from havuz_gateway.telemetry.instruments import Gauge, Labels


class TasksQueued(NamedTuple):
    """Tasks that are queued and not done; those of them that no worker has, and how long the oldest of these waits."""

    open: int
    waiting: int
    oldest_seconds: float


class CallbacksQueued(NamedTuple):
    """Callbacks that are to be told, seconds by which the most overdue is late, and those given up within a week."""

    open: int
    late_seconds: float
    failed: int


def task_gauges(read: Callable[[], TasksQueued]) -> list[Gauge]:
    """The queue of tasks."""
    return [
        Gauge(*names.TASKS_OPEN, "Tasks that have not ended.", _value(lambda: read().open)),
        Gauge(*names.TASKS_WAITING, "Tasks that no worker has.", _value(lambda: read().waiting)),
        Gauge(*names.TASKS_OLDEST, "How long the oldest waiting task waits.", _value(lambda: read().oldest_seconds)),
    ]


def callback_gauges(read: Callable[[], CallbacksQueued]) -> list[Gauge]:
    """The queue of callbacks."""
    late = "How late the most overdue callback is."
    return [
        Gauge(*names.CALLBACKS_OPEN, "Callbacks that are to be told.", _value(lambda: read().open)),
        Gauge(*names.CALLBACKS_LATE, late, _value(lambda: read().late_seconds)),
        Gauge(*names.CALLBACKS_FAILED, "Callbacks given up within a week.", _value(lambda: read().failed)),
    ]


def _value(read: Callable[[], float]) -> Callable[[], Iterable[tuple[Labels, float]]]:
    return lambda: [((), read())]
