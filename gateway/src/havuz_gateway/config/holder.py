"""Holds the view in force and swaps it in one assignment; whoever follows revisions is told in the same turn."""

import asyncio
from collections.abc import Callable

from havuz_gateway.config.view import EMPTY, View

Listener = Callable[[View], None]


class Holder:
    """The one place that knows which revision is served. `loaded` is set once there is any."""

    def __init__(self, *, wall: Callable[[], float]) -> None:
        """`wall` gives unix seconds."""
        self._wall = wall
        self._view = EMPTY
        self._listeners: list[Listener] = []
        self.loaded = asyncio.Event()
        self.loaded_at = 0.0  # unix seconds of the last swap

    def view(self) -> View:
        """The configuration in force now; empty before the first was loaded."""
        return self._view

    def listen(self, listener: Listener) -> None:
        """Call `listener` with every view that comes into force. It must not block."""
        self._listeners.append(listener)

    def swap(self, view: View) -> None:
        """Put `view` in force. Requests under way keep the one they began with."""
        self._view = view
        self.loaded_at = self._wall()
        for listener in self._listeners:
            listener(view)
        self.loaded.set()
