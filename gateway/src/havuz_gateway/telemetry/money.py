"""Gauges of money, and of what the meter has still to write down. Labels are Projects and their units."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from havuz_gateway.telemetry import names
from havuz_gateway.telemetry.instruments import Gauge, Labels


class Money(NamedTuple):
    """What one project has, in whole units; `project` is `namespace/name`."""

    project: str
    unit: str
    balance: float
    reserved: float
    spent: float


class Backlog(NamedTuple):
    """Settles that Redis has not taken: those sent and not answered, those in the journal (in bytes), and those that
    found no room there, ever. `up` says whether Redis answers.
    """

    up: bool
    in_flight: int
    journal_bytes: int
    lost: int


def money_gauges(read: Callable[[], Iterable[Money]]) -> list[Gauge]:
    """Balance, reserved and spent of each project that `read` gives."""

    def values(of: Callable[[Money], float]) -> Callable[[], Iterable[tuple[Labels, float]]]:
        return lambda: ((((names.PROJECT, one.project), (names.UNIT, one.unit)), of(one)) for one in read())

    return [
        Gauge(*names.PROJECT_BALANCE, "What a project can spend now.", values(lambda it: it.balance)),
        Gauge(*names.PROJECT_RESERVED, "What a project's open requests can cost.", values(lambda it: it.reserved)),
        Gauge(*names.PROJECT_SPENT, "What a project has spent, ever.", values(lambda it: it.spent)),
    ]


def meter_gauges(read: Callable[[], Backlog]) -> list[Gauge]:
    """The meter's way to Redis, and what waits for it."""

    def value(of: Callable[[Backlog], float]) -> Callable[[], Iterable[tuple[Labels, float]]]:
        return lambda: [((), of(read()))]

    return [
        Gauge(*names.METER_UP, "1 while the meter's Redis answers.", value(lambda it: float(it.up))),
        Gauge(*names.METER_IN_FLIGHT, "Settles sent to Redis and not answered.", value(lambda it: it.in_flight)),
        Gauge(*names.METER_JOURNAL, "Settles kept until Redis takes them.", value(lambda it: it.journal_bytes)),
        Gauge(*names.METER_LOST, "Settles that found the journal full.", value(lambda it: it.lost)),
    ]
