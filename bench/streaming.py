"""Streams side by side: paced ones, all ordered at once, and flooded ones, one after the other on each connection."""

import asyncio
import time
from collections.abc import Callable

from bench.load import Connection, Tally, Watch, Window, ended, opened
from bench.stamps import Reader


class _Stream(Connection):
    """Counts the events of its stream, and how long each has been under way."""

    def __init__(self, payload: bytes, tally: Tally) -> None:
        super().__init__(payload, tally)
        self._reader = Reader()
        self._heard = False

    def chunks(self, data: bytes) -> None:
        if not self._heard and data:
            self._heard = True
            self._tally.first_bytes.append(time.perf_counter() - self.began)
        delays = self._reader.read(data)
        self._tally.events += len(delays)
        self._tally.delays += delays

    def answered(self, now: float) -> None:
        self.close()


class _Flooded(_Stream):
    """Orders the next stream when one has ended, until a moment."""

    def __init__(self, payload: bytes, tally: Tally, until: float) -> None:
        super().__init__(payload, tally)
        self._until = until

    def answered(self, now: float) -> None:
        if now < self._until:
            self.send()
        else:
            self.close()


async def paced(
    port: int, payload: bytes, *, streams: int, settle: float, seconds: float, cpu: Callable[[], float]
) -> Window:
    """All streams ordered at once; counted from `settle` seconds on. They should end a little after the window.

    `failures` of the window are the streams that did not end whole in time.
    """
    tally = Tally()
    ready = await opened(port, streams, lambda: _Stream(payload, tally))
    watch = Watch(tally, cpu)
    for one in ready:
        one.send()
    await asyncio.sleep(settle)
    watch.open()
    await asyncio.sleep(seconds)
    watch.close()
    await ended(ready)
    return watch.window()


async def flooded(
    port: int, payload: bytes, *, streams: int, warm_up: float, seconds: float, cpu: Callable[[], float]
) -> Window:
    """Streams whose provider sends as fast as they are read."""
    tally, until = Tally(), time.perf_counter() + warm_up + seconds
    ready = await opened(port, streams, lambda: _Flooded(payload, tally, until))
    watch = Watch(tally, cpu)
    for one in ready:
        one.send()
    await asyncio.sleep(warm_up)
    watch.open()
    await asyncio.sleep(seconds)
    watch.close()
    await ended(ready)
    return watch.window()


async def held(
    port: int, payload: bytes, *, streams: int, settle: float, patience: float, look: Callable[[], float]
) -> tuple[int, float]:
    """Open slow streams and wait for `settle` seconds, and up to `patience` until all of them have said something.

    How many have, and what `look` says then.
    """
    tally = Tally()
    ready = await opened(port, streams, lambda: _Stream(payload, tally))
    for one in ready:
        one.send()
    until = time.perf_counter() + patience
    await asyncio.sleep(settle)
    while len(tally.first_bytes) < streams and time.perf_counter() < until:  # noqa: ASYNC110 - one look tells it all
        await asyncio.sleep(0.05)
    heard, seen = len(tally.first_bytes), look()
    for one in ready:
        one.close()
    await ended(ready)
    return heard, seen
