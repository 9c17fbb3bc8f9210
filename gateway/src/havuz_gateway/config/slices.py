"""Long work in pieces: a configuration of ten thousand objects must not hold the event loop while it is applied."""

import asyncio
import gc
from collections.abc import Iterable
from typing import Any

PART = 20  # what decoding one part costs, beside what looking at one entry of an index does
_MOST = 40 * PART  # between two turns of the loop: some milliseconds on a slow machine


class Slices:
    """Counts what was done since others last had a turn, and gives them one when it is enough.

    Work that `makes` objects by the thousand puts them where no garbage is looked for: a whole collection would take
    tenths of a second. They end like others once nobody holds them.
    """

    def __init__(self, *, makes: bool = False) -> None:
        self._makes = makes
        self._done = 0

    async def done(self, cost: int) -> None:
        """So much was done."""
        self._done += cost
        if self._done >= _MOST:
            self._done = 0
            if self._makes:
                gc.freeze()
            await asyncio.sleep(0)

    async def through(self, steps: Iterable[int]) -> None:
        """Take all of these steps, each of which tells its cost."""
        for cost in steps:
            await self.done(cost)

    async def let_go(self, held: list[Any]) -> None:
        """Empty a list whose objects nobody else may hold any more: what ends all at once ends slowly."""
        while held:
            del held[-_MOST // PART :]
            await self.done(_MOST)
