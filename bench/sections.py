"""What a session measures, part by part. Targets take turns within each round."""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench import measure
from bench.measure import Book
from bench.processes import Target

FEW_STREAMS = 20  # for a target of which most events of many do not arrive
_RUNGS = {20: (1000, 750, 500, 250, 100, 50, 20), 100: (2000, 1000, 500, 250, 100)}
_STEADY_STREAMS = 100  # where only CPU is of interest
_IDLE_STREAMS = 500
_IDLE_PACE = 500  # ms
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
    for target in targets:
        _say(f"memory: {target.name}")
        measure.requests(target, connections=32, seconds=effort.seconds)
        measure.settle(target)
        idle = target.memory_mib()
        heard, full = measure.open_streams(target, streams=_IDLE_STREAMS, pace=_IDLE_PACE, seconds=effort.seconds + 1)
        measure.settle(target)
        book.notes[target.name, "idle"] = idle
        if heard == _IDLE_STREAMS:
            book.notes[target.name, "per stream"] = (full - idle) * 1024 / heard


def peers(book: Book, targets: Sequence[Target], effort: Effort) -> None:
    """The whole programme, for targets that stand beside each other."""
    for target in _rounds("peers", targets, effort.rounds):
        for connections in measure.CONNECTIONS:
            reading = measure.requests(target, connections=connections, seconds=effort.seconds)
            book.add(target.name, requests_name(connections), reading)
        slow = book.median(target.name, requests_name(32), "rate") < 1.5 * measure.RATE
        rate = measure.SLOW_RATE if slow else measure.RATE
        book.notes[target.name, "rate"] = rate
        book.add(target.name, "latency", measure.latency(target, rate=rate, seconds=2 * effort.seconds))
        _streams(book, target, effort)
        book.add(target.name, "flood", measure.flood(target, seconds=effort.seconds))


def _streams(book: Book, target: Target, effort: Effort) -> None:
    """As many as asked for; few, where few of their events come through. That is looked at in the first round."""
    few = book.notes.get((target.name, "few"), 0.0)
    if not few:
        reading = measure.paced(target, streams=effort.streams, seconds=effort.seconds)
        book.notes[target.name, "few"] = few = float(reading.rate < 0.5 * effort.streams * 1000 / measure.PACE)
        if not few:
            book.add(target.name, streams_name(effort.streams), reading)
        measure.settle(target)
    if few:
        reading = measure.paced(target, streams=FEW_STREAMS, seconds=effort.seconds)
        book.add(target.name, streams_name(FEW_STREAMS), reading)


def ladder(book: Book, targets: Sequence[Target], effort: Effort) -> None:
    """The most streams that each target holds, at each pace."""
    for target in targets:
        each = book.median(target.name, streams_name(streams_of(book, target.name, effort)), "cpu_each")
        for pace, rungs in _RUNGS.items():
            hope = _HOPE * 1e6 / (each * 1000 / pace) if each else float(rungs[0])
            for rung in [one for one in rungs if not one > hope] or rungs[-1:]:
                _say(f"ladder: {target.name}, {rung} streams of {pace} ms")
                well, _ = measure.held(target, streams=rung, seconds=effort.seconds, pace=pace)
                measure.settle(target)
                if well:
                    book.notes[target.name, f"held@{pace}"] = rung
                    break


def plain(book: Book, targets: Sequence[Target], effort: Effort, *, what: str) -> None:
    """CPU of a request and of an event, of targets that differ in one thing."""
    for target in _rounds(what, targets, effort.rounds):
        book.add(target.name, "requests", measure.requests(target, connections=32, seconds=effort.seconds))
        book.add(target.name, "streams", measure.paced(target, streams=_STEADY_STREAMS, seconds=effort.seconds))


def soak(book: Book, targets: Sequence[Target], effort: Effort) -> None:
    """Memory after many more requests, or as many as come in the time."""
    for target in targets:
        _say(f"soak: {target.name}")
        measure.settle(target)
        book.notes[target.name, "before soak"] = target.memory_mib()
        done, until = 0, time.monotonic() + effort.soak_seconds
        while done < effort.soak_requests and time.monotonic() < until:
            seconds = min(effort.soak_seconds, 5.0)
            done += measure.requests(target, connections=32, seconds=seconds, warmed=True).count
        measure.settle(target)
        book.notes[target.name, "soak"] = done
        book.notes[target.name, "after soak"] = target.memory_mib()


def _rounds(what: str, targets: Sequence[Target], rounds: int) -> Iterator[Target]:
    """Each target once a round, and a rest after its turn."""
    for number in range(1, rounds + 1):
        for target in targets:
            _say(f"{what}, round {number}: {target.name}")
            yield target
            if not measure.settle(target):
                _say(f"{target.name} does not come to rest")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
