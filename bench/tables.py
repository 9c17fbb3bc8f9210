"""What a session has found, as Markdown. A figure that was not measured is a dash."""

import math
from collections.abc import Iterable, Sequence

from bench import figures, measure
from bench.measure import Book
from bench.sections import Effort, requests_name, streams_name, streams_of

_SATURATED = 0.93  # share of a core from which a target is the bottleneck, rather than the load
_REFERENCES = ("nginx", "Envoy", "plain aiohttp proxy")


def requests(book: Book, names: Sequence[str], direct: str) -> str:
    """Rates, CPU and added latency of whole answers."""
    head = [f"requests/s, {count} connections" for count in measure.CONNECTIONS]
    rows = []
    for name in names:
        added = ["–", "–"] if name == direct else [_added(book, name, direct, column) for column in ("p50", "p99")]
        rate = book.notes.get((name, "rate"), measure.RATE)
        at = f" at {rate:.0f}/s" if rate != measure.RATE else ""
        rows.append(
            [
                name,
                *(_rate(book, name, requests_name(count)) for count in measure.CONNECTIONS),
                "–" if name == direct else _number(book.median(name, requests_name(32), "cpu_each"), 0),
                f"{added[0]} / {added[1]}{at}",
            ]
        )
    return _table(["target", *head, "CPU µs/request", f"added p50 / p99 ms at {measure.RATE:.0f}/s"], rows)


def streams(book: Book, names: Sequence[str], direct: str, effort: Effort) -> str:
    """Paced and flooded streams."""
    rows = []
    for name in names:
        count = streams_of(book, name, effort)
        what = streams_name(count)
        due = count * 1000 / measure.PACE
        rows.append(
            [
                name if count == effort.streams else f"{name} ({count} streams)",
                "–" if name == direct else _number(book.median(name, what, "cpu_each"), 1),
                _share(book.median(name, what, "rate") / due),
                _share(book.median(name, what, "late"), 2),
                _number(book.median(name, what, "p99"), 1),
                _number(book.median(name, what, "first_p99"), 0),
                _note(book, name, "held@20"),
                _note(book, name, "held@100"),
                _rate(book, name, "flood"),
                "–" if name == direct else _number(book.median(name, "flood", "cpu_each"), 1),
            ]
        )
    heads = ["target", "CPU µs/event", "events that came", "late", "under way p99 ms", "first piece p99 ms"]
    heads += ["held at 20 ms", "held at 100 ms", "flooded: events/s", "CPU µs/event"]
    return _table(heads, rows)


def memory(book: Book, names: Sequence[str]) -> str:
    """MiB when idle and after the soak, KiB of an open stream."""
    rows = [
        [
            name,
            *(_note(book, name, what) for what in ("idle", "per stream", "before soak", "after soak", "soak")),
        ]
        for name in names
    ]
    heads = ["target", "MiB idle", "KiB per open stream", "MiB before the soak", "after it", "requests of it"]
    return _table(heads, rows)


def ratios(book: Book, names: Sequence[str], direct: str, effort: Effort) -> str:
    """CPU of a request and of an event against each of the references, by rounds."""
    rows = []
    for name in names:
        if name != direct:
            what = streams_name(streams_of(book, name, effort))
            cells = [
                _number(book.ratio(name, other, kind), 2) for kind in (requests_name(32), what) for other in _REFERENCES
            ]
            rows.append([name, *cells])
    heads = [f"{kind} × {other}" for kind in ("request", "event") for other in _REFERENCES]
    return _table(["target", *heads], rows)


def pairs(book: Book, names: Iterable[tuple[str, str]], heading: str) -> str:
    """CPU of each second name and of its first, and the ratio; of requests and of events."""
    rows = []
    for base, other in names:
        if book.has(base, "requests") and book.has(other, "requests"):
            cells = [
                cell
                for kind, digits in (("requests", 0), ("streams", 1))
                for cell in (
                    _number(book.median(base, kind, "cpu_each"), digits),
                    _number(book.median(other, kind, "cpu_each"), digits),
                    _number(book.ratio(other, base, kind), 2),
                )
            ]
            rows.append([other, *cells])
    heads = ["", "request µs without", "with", "ratio", "event µs without", "with", "ratio"]
    return _table([heading, *heads[1:]], rows)


def share(book: Book, *, with_it: str, without: str) -> str:
    """Which part of a request's CPU makes the difference between two targets, by rounds."""
    more = figures.difference(book.all(with_it, "requests", "cpu_each"), book.all(without, "requests", "cpu_each"))
    each, part = book.median(with_it, "requests", "cpu_each"), 1 - 1 / book.ratio(with_it, without, "requests")
    return f"{more:.0f} µs of {each:.0f}, {part:.0%}"


def _added(book: Book, name: str, direct: str, column: str) -> str:
    return _number(figures.difference(book.all(name, "latency", column), book.all(direct, "latency", column)), 2)


def _rate(book: Book, name: str, what: str) -> str:
    """The rate, with a sign where the target was not what limited it."""
    rate, busy = book.median(name, what, "rate"), book.median(name, what, "busy")
    return "–" if math.isnan(rate) else f"{'' if busy >= _SATURATED else '≥ '}{rate:,.0f}"


def _note(book: Book, name: str, what: str) -> str:
    return _number(book.notes.get((name, what), float("nan")), 0)


def _share(value: float, digits: int = 0) -> str:
    return "–" if math.isnan(value) else f"{value:.{digits}%}"


def _number(value: float, digits: int) -> str:
    return "–" if math.isnan(value) else f"{value:,.{digits}f}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(heads)} |", f"|---|{'--:|' * (len(heads) - 1)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])
