"""Background work with an owner and a name: it runs until cancelled, and a fault in it is told and tried again."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

_log = logging.getLogger(__name__)

Work = Callable[[], Awaitable[None]]
_RETRY_SECONDS = 2.0
_CANCEL_AGAIN_SECONDS = 0.2
_CANCEL_ROUNDS = 25


@asynccontextmanager
async def running(works: Mapping[str, Work]) -> AsyncIterator[None]:
    """Run `works` (name to coroutine function) side by side until the block ends."""
    tasks = [asyncio.create_task(_keep_on(name, work), name=name) for name, work in works.items()]
    try:
        yield
    finally:
        await _stop(set(tasks))


async def _keep_on(name: str, work: Work) -> None:
    """Run `work`, and start it again should it fail: one broken part must not take the others down."""
    while True:
        try:
            await work()
        except Exception:  # whatever it was, it is logged whole
            _log.exception("a part of the operator failed; starting it again", extra={"part": name})
        await asyncio.sleep(_RETRY_SECONDS)


async def _stop(tasks: set[asyncio.Task[None]]) -> None:
    for _ in range(_CANCEL_ROUNDS):
        if not tasks:
            return
        for task in tasks:
            task.cancel()
        # Again after a moment: until Python 3.12 `asyncio.wait_for`, which the Redis client uses, can swallow a
        # cancellation (https://github.com/python/cpython/issues/86296).
        _, tasks = await asyncio.wait(tasks, timeout=_CANCEL_AGAIN_SECONDS)
    _log.warning("a part of the operator did not end when asked to", extra={"parts": [t.get_name() for t in tasks]})
