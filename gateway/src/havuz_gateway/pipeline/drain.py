"""Reading on after the client has gone, for projects that want the true usage: for some seconds, for nobody."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from havuz_gateway.errors import GatewayError
from havuz_gateway.protocols.errors import AnswerUnreadable
from havuz_gateway.transport.base import TransportFailure

if TYPE_CHECKING:
    from havuz_gateway.pipeline.attempt import Opened

Finish = Callable[["Opened | None"], None]
_MOST = 10_000  # answers read to nobody at a time; beyond that they are cut as without a drain


class Drains:
    """The answers that are read to their end for nobody. `close` waits for them; each is bounded by its project."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, opening: "asyncio.Task[Opened]", *, seconds: float, finish: Finish) -> bool:
        """Read on, then call `finish` with what was opened. False: too many are read already, nothing was begun."""
        if len(self._tasks) >= _MOST:
            return False
        task = asyncio.get_running_loop().create_task(_drain(opening, seconds, finish), name="drain")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def close(self) -> None:
        """Wait until the last one has ended."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)


async def _drain(opening: "asyncio.Task[Opened]", seconds: float, finish: Finish) -> None:
    opened: Opened | None = None
    try:
        async with asyncio.timeout(seconds):
            opened = await opening
            await _read_on(opened)
    except (TimeoutError, TransportFailure, AnswerUnreadable, GatewayError):
        opening.cancel()  # what was read until now is what is known
    finally:
        finish(opened)


async def _read_on(opened: "Opened") -> None:
    tap, rest = opened.tap, opened.rest
    if tap is None or rest is None or tap.found.done:
        return
    async for chunk in rest:
        tap.feed(chunk)
        if tap.found.done or tap.found.error is not None:
            return
    tap.end()
