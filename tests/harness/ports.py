"""Free loopback ports for the processes that tests start.

A port that was handed out is locked until this process ends: neither it nor any other run on this machine hands the
same one out again before whoever asked for it listens there.
"""

import fcntl
import os
import random
import socket
import tempfile
from functools import cache
from pathlib import Path

# Below the range from which the kernel hands out ports for outgoing connections, so that none is taken in between.
_FIRST, _LAST = 12_000, 31_000
_TRIES = 2_000


class Ports:
    """Hands out ports of the range, each locked as the byte of that number in a file that all runs share."""

    def __init__(self, locks: Path) -> None:
        # Never closed: closing any descriptor of the file would give up every lock of this process.
        self._file = os.open(locks, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        self._ours: set[int] = set()  # the kernel would let the same process lock them once more

    def free(self, *, beside: int = 0) -> int:
        """A port that nobody listens on or was handed, nor the one that is `beside` above it."""
        rng = random.SystemRandom()
        for _ in range(_TRIES):
            port = rng.randint(_FIRST, _LAST - beside)
            if self._take(port) and (not beside or self._take(port + beside)):
                return port
        raise RuntimeError(f"no free port between {_FIRST} and {_LAST}: end the test runs that hold them")

    def _take(self, port: int) -> bool:
        if port in self._ours or not _is_free(port):
            return False
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        except OSError:
            return False
        self._ours.add(port)
        return True


def free_port(*, beside: int = 0) -> int:
    """A loopback TCP port that nobody else is given, nor the one that is `beside` above it."""
    return _of_this_process().free(beside=beside)


@cache
def _of_this_process() -> Ports:
    return Ports(Path(tempfile.gettempdir()) / f"havuz-test-ports-{os.getuid()}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
