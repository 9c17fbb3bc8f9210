"""Settles that Redis acknowledged a moment ago, and may yet forget.

A primary answers before its replicas have a write, and before it is on the disk. Where it then dies, the server that
takes over knows nothing of the last moment: of a settle, perhaps of its reservation too. So what was settled lately is
sent once more after every reconnection; the mark of each settle makes that harmless where nothing was forgotten.
"""

from collections import deque
from collections.abc import Callable

from havuz_gateway.metering.closing import Closing

_KEPT_SECONDS = 15.0  # longer than `min-replicas-max-lag`, whose default is 10
_MOST = 20_000


class Recent:
    """The settles of the last seconds, oldest first, within bounds. `now` are seconds of a clock that never jumps."""

    def __init__(self, now: Callable[[], float], *, kept_seconds: float = _KEPT_SECONDS, most: int = _MOST) -> None:
        self._now = now
        self._kept = kept_seconds
        self._settles: deque[tuple[float, Closing]] = deque(maxlen=most)

    def add(self, closing: Closing) -> None:
        """Redis has just taken this one."""
        now = self._now()
        self._settles.append((now, closing))
        self._drop(now)

    def all(self) -> list[Closing]:
        """Those that are still young enough."""
        self._drop(self._now())
        return [closing for _, closing in self._settles]

    def _drop(self, now: float) -> None:
        while self._settles and self._settles[0][0] < now - self._kept:
            self._settles.popleft()
