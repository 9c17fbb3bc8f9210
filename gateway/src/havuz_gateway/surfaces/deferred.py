"""What few requests need is made on the first of them, in a thread: a gateway that serves no page holds none.

The thread shares the interpreter: requests go on meanwhile, slower for the moment that it takes.
"""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Deferred(Generic[T]):
    """A value that is made once. `make` is where its modules are imported."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: list[T] = []
        self._making = asyncio.Lock()

    async def get(self) -> T:
        """The value, made now if it was not before. Raises what `make` raises; the next one tries again."""
        if not self._made:
            async with self._making:
                if not self._made:
                    self._made.append(await asyncio.to_thread(self._make))
        return self._made[0]
