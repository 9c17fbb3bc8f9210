"""A gateway that tells what it holds: descriptors, tasks, and objects by type, counted inside of it.

    with WatchedGateway(redis_url=..., encryption_keys=...) as gateway:
        before = gateway.holdings()

Counted are objects that the garbage collector knows and that were made after the gateway was ready.
"""

import asyncio
import gc
import json
import os
import socket
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from harness.gateway import GatewayProcess

_WHERE = "HAVUZ_TEST_WATCHED_SOCKET"
_ANSWER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a process holds at a moment. `objects` are counts by the full name of the type, `tasks` by their
    names without a number at the end; memory is in KiB.
    """

    descriptors: int
    tasks: Mapping[str, int]
    objects: Mapping[str, int]
    resident: int

    def grown(self, before: "Holdings") -> dict[str, int]:
        """Types of which there is more than before, and how much more."""
        return {name: count - before.objects.get(name, 0) for name, count in self.objects.items()
                if count > before.objects.get(name, 0)}  # fmt: skip


class WatchedGateway(GatewayProcess):
    """A gateway process that can be asked for its holdings."""

    PROGRAM: ClassVar[tuple[str, ...]] = ("-m", "harness.watched")

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._socket = self.directory / "watched.sock"
        self._environment |= {_WHERE: str(self._socket), "PYTHONPATH": str(Path(__file__).parents[1])}

    def holdings(self) -> Holdings:
        """What it holds now, after a whole garbage collection."""
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(_ANSWER_SECONDS)
            asking.connect(str(self._socket))
            with asking.makefile() as answer:
                return Holdings(**json.load(answer))


def _held() -> dict[str, Any]:
    gc.collect()
    objects = gc.get_objects()
    types = Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in objects)
    # by its type: to ask a weak proxy for its class is to ask what it stood for
    tasks = [one for one in objects if issubclass(type(one), asyncio.Task) and not one.done()]
    status = Path("/proc/self/status").read_text()
    resident = int(status.partition("VmRSS:")[2].split()[0])
    return {
        "descriptors": len(os.listdir("/proc/self/fd")),
        "tasks": Counter(one.get_name().rstrip("0123456789") for one in tasks),
        "objects": types,
        "resident": resident,
    }


def _tell(listening: socket.socket) -> None:
    while True:
        asking, _ = listening.accept()
        with asking:
            asking.sendall(json.dumps(_held()).encode())


def _main() -> int:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(os.environ[_WHERE])
    listening.listen()
    threading.Thread(target=_tell, args=(listening,), name="watched", daemon=True).start()
    from havuz_gateway.__main__ import main

    return main()


if __name__ == "__main__":
    sys.exit(_main())
