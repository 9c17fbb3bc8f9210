"""What a session measures, part by part. Targets take turns within each round."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench import measure
from bench.measure import Book
from bench.processes import Target

FEW_STREAMS = 20  # for a target of which most events of many do not arrive
_RUNGS = {20: (1000, 750, 500, 250, 100, 50, 20), 100: (2000, 1000, 500, 250, 100)}
_STEADY_STREAMS = 100  # where only CPU is of interest
_IDLE_STREAMS = 500
_IDLE_PACE = 500  # ms
_SOAK_SECONDS = 5.0
_HOPE = 1.5  # how far beyond what CPU alone allows a ladder is begun


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured: rounds, seconds of one measurement, paced streams side by side, and the soak's end."""

    rounds: int
    seconds: float
    streams: int
    soak_requests: int
    soak_seconds: float


def requests_name(connections: int) -> str:
    """What a closed loop is called in the book."""
    return f"requests@{connections}"


def streams_name(streams: int) -> str:
    """What paced streams are called in the book."""
    return f"streams@{streams}"


def streams_of(book: Book, target: str, effort: Effort) -> int:
    """How many streams side by side it was measured with."""
    return FEW_STREAMS if book.notes.get((target, "few")) else effort.streams


def memory(book: Book, targets: Sequence[Target], effort: Effort) -> None:
    """MiB of a target that has served a little, and what each open stream adds. Before anything else."""

    def turn(target: Target) -> None:
        measure.requests(target, connections=32, seconds=effort.seconds)
        measure.settle(target)
        book.notes[target.name, "idle"] = idle = target.memory_mib()
        heard, full = measure.open_streams(target, streams=_IDLE_STREAMS, pace=_IDLE_PACE, seconds=effort.seconds + 1)
        if heard == _IDLE_STREAMS:
            book.notes[target.name, "per stream"] = (full - idle) * 1024 / heard

    _turns("memory", targets, 1, turn)


def peers(book: Book, targets: Sequence[Target], effort: Effort) -> None:
    """The whole programme, for targets that stand beside each other."""

    def turn(target: Target) -> None:
        for connections in measure.CONNECTIONS:
            reading = measure.requests(target, connections=connections, seconds=effort.seconds)
            book.add(target.name, requests_name(connections), reading)
        slow = book.median(target.name, requests_name(32), "rate") < 1.5 * measure.RATE
        rate = measure.SLOW_RATE if slow else measure.RATE
        book.notes[target.name, "rate"] = rate
        book.add(target.name, "latency", measure.latency(target, rate=rate, seconds=2 * effort.seconds))
        _streams(book, target, effort)
        book.add(target.name, "flood", measure.flood(target, seconds=effort.seconds))

    _turns("peers", targets, effort.rounds, turn)


def _streams(book: Book, target: Target, effort: Effort) -> None:
    """As many as asked for; few, where few of their events come through. That is looked at in the first round."""
    few = book.notes.get((target.name, "few"), 0.0)
    if not few:
        reading = measure.paced(target, streams=effort.streams, seconds=effort.seconds)
        if not book.has(target.name, streams_name(effort.streams)):
            few = float(reading.rate < 0.5 * effort.streams * 1000 / measure.PACE)
            book.notes[target.name, "few"] = few
        if not few:
            book.add(target.name, streams_name(effort.streams), reading)
        measure.settle(target)
    if few:
        reading = measure.paced(target, streams=FEW_STREAMS, seconds=effort.seconds)
        book.add(target.name, streams_name(FEW_STREAMS), reading)


def ladder(book: Book, targets: Sequence[Target], effort: Effort) -> None:
    """The most streams that each target holds, at each pace; begun where its CPU leaves some hope."""

    def turn(target: Target) -> None:
        each = book.median(target.name, streams_name(streams_of(book, target.name, effort)), "cpu_each")
        for pace, rungs in _RUNGS.items():
            for rung in rungs_to_try(rungs, pace=pace, cpu_each=each):
                _say(f"{rung} streams of {pace} ms")
                well = measure.held(target, streams=rung, seconds=effort.seconds, pace=pace)
                measure.settle(target)
                if well:
                    book.notes[target.name, f"held@{pace}"] = rung
                    break

    _turns("ladder", targets, 1, turn)


def rungs_to_try(rungs: Sequence[int], *, pace: int, cpu_each: float) -> Sequence[int]:
    """The numbers of streams that a core may hold by the CPU of one event; the least of all where that is unknown."""
    hope = _HOPE * 1e6 / (cpu_each * 1000 / pace) if cpu_each else float("inf")
    return [one for one in rungs if one <= hope] or rungs[-1:]


def plain(book: Book, targets: Sequence[Target], effort: Effort, *, what: str) -> None:
    """CPU of a request and of an event, of targets that differ in one thing."""

    def turn(target: Target) -> None:
        book.add(target.name, "requests", measure.requests(target, connections=32, seconds=effort.seconds))
        book.add(target.name, "streams", measure.paced(target, streams=_STEADY_STREAMS, seconds=effort.seconds))

    _turns(what, targets, effort.rounds, turn)


def soak(book: Book, targets: Sequence[Target], effort: Effort) -> None:
    """Memory after many more requests, or as many as come in the time."""

    def turn(target: Target) -> None:
        book.notes[target.name, "before soak"] = target.memory_mib()
        done, until = 0, time.monotonic() + effort.soak_seconds
        while done < effort.soak_requests and time.monotonic() < until:
            seconds = min(effort.soak_seconds, _SOAK_SECONDS)
            done += measure.requests(target, connections=32, seconds=seconds, warmed=True).total
        measure.settle(target)
        book.notes[target.name, "soak"] = done
        book.notes[target.name, "after soak"] = target.memory_mib()

    _turns("soak", targets, 1, turn)


def _turns(what: str, targets: Sequence[Target], rounds: int, turn: Callable[[Target], None]) -> None:
    """Each target once a round, and a rest after its turn. One that went away is left out from then on."""
    left = list(targets)
    for number in range(1, rounds + 1):
        for target in tuple(left):
            _say(f"{what}, round {number}: {target.name}")
            try:
                turn(target)
            except OSError as error:
                _say(f"{target.name} is left out: {error!r}")
                left.remove(target)
                continue
            if not measure.settle(target):
                _say(f"{target.name} does not come to rest")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
