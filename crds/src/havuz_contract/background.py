"""Background work with an owner and a name: it runs until cancelled, and a fault in it is told and tried again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Self

_log = logging.getLogger(__name__)

Work = Callable[[], Awaitable[None]]
_FIRST_PAUSE_SECONDS = 0.5
_LAST_PAUSE_SECONDS = 30.0
_CANCEL_AGAIN_SECONDS = 0.2
_CANCEL_ROUNDS = 25


class Background:
    """Owns the tasks of `works` (name to coroutine function) from `start` to `stop`, or within `async with`."""

    def __init__(self, works: Mapping[str, Work]) -> None:
        self._works = dict(works)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin every work. Needs a running loop."""
        self._tasks = [asyncio.create_task(_keep_going(name, work), name=name) for name, work in self._works.items()]

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Cancel every work and wait for its end. Safe to repeat."""
        running, self._tasks = set(self._tasks), []
        for _ in range(_CANCEL_ROUNDS):
            if not running:
                return
            for task in running:
                task.cancel()
            # again after a moment: until Python 3.12 `asyncio.wait_for`, which the Redis client uses, can swallow a
            # cancellation (https://github.com/python/cpython/issues/86296)
            _, running = await asyncio.wait(running, timeout=_CANCEL_AGAIN_SECONDS)
        _log.warning(
            "background work did not end when asked to", extra={"works": sorted(t.get_name() for t in running)}
        )


async def _keep_going(name: str, work: Work) -> None:
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            await work()
        except Exception:
            _log.exception("background work failed and is started again", extra={"work": name, "pause_seconds": pause})
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LAST_PAUSE_SECONDS)
        else:
            return
