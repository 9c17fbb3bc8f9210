"""A time limit on silence that costs next to nothing to renew.

Like `asyncio.timeout`, but a renewal only notes a time: the one timer looks at it when it fires, and sleeps on. A
stream renews its limit with every chunk, and re-arming a timer each time would cost as much as relaying the chunk.
"""

import asyncio
import math
from collections.abc import Callable
from types import TracebackType
from typing import Self

from havuz_contract.snapshot.models import Failover
from havuz_gateway.pipeline.types import Call

_DRAWN = ("image", "image_edit")
_LOOKS = 8  # at most so often in a limit's time it is asked whether that is hopeless


def pace_of(call: Call, failover: Failover) -> Failover:
    """The route's time limits, as they hold for this call: a picture may take as long as the request may."""
    if call.action not in _DRAWN:
        return failover
    return failover.model_copy(update={"first_token": failover.total, "idle": failover.total})


class Patience:
    """`async with Patience(20) as patience:` raises `TimeoutError` after 20 s without `patience.renew`.

    None: no limit yet. Seconds are counted by the event loop's clock. In the second half of a limit `hopeless` is asked
    from time to time, with its seconds, whether to wait any longer is in vain.
    """

    __slots__ = (
        "_cancelling",
        "_deadline",
        "_expired",
        "_hopeless",
        "_looks_at",
        "_loop",
        "_seconds",
        "_task",
        "_timer",
    )

    def __init__(self, seconds: float | None, *, hopeless: Callable[[float], bool] | None = None) -> None:
        self._hopeless = hopeless
        self._seconds = 0.0
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task(self._loop)
        self._deadline = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._looks_at = math.inf  # when the timer fires
        self._expired = False
        self._cancelling = 0
        if seconds is not None:
            self.renew(seconds)

    def renew(self, seconds: float) -> None:
        """From now on, so many seconds more."""
        now = self._loop.time()
        self._deadline, self._seconds = now + seconds, seconds
        when = self._deadline if self._hopeless is None else self._next_look(now)
        if self._timer is None:
            self._look_at(when)
        elif when < self._looks_at:
            self._timer.cancel()
            self._look_at(when)

    def suspend(self) -> None:
        """No limit until the next `renew`."""
        self._deadline = math.inf

    async def __aenter__(self) -> Self:
        if self._task is not None:
            self._cancelling = self._task.cancelling()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        # as in asyncio.timeout: a cancellation that somebody else asked for as well is theirs
        ours = self._expired and self._task is not None and self._task.uncancel() <= self._cancelling
        if ours and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _next_look(self, now: float) -> float:
        if self._hopeless is None:
            return self._deadline
        half = self._deadline - self._seconds / 2
        return half if now < half else min(self._deadline, now + self._seconds / _LOOKS)

    def _look_at(self, when: float) -> None:
        self._looks_at = when
        self._timer = self._loop.call_at(when, self._look)

    def _in_vain(self, now: float) -> bool:
        return (
            self._hopeless is not None
            and self._deadline - self._seconds / 2 <= now
            and self._deadline != math.inf
            and self._hopeless(self._seconds)
        )

    def _look(self) -> None:
        """The timer fired: too late, or only time to look again."""
        self._timer = None
        now = self._loop.time()
        if now < self._deadline and not self._in_vain(now):
            if self._deadline != math.inf:
                self._look_at(self._next_look(now))
            return
        self._expired = True
        if self._task is not None:
            self._task.cancel()
