"""Free loopback ports for the processes that tests start."""

import random
import socket

# Below the range from which the kernel hands out ports for outgoing connections, so that none is taken in between.
_FIRST, _LAST = 12_000, 31_000


def free_port(*, beside: int = 0) -> int:
    """A loopback TCP port that nobody listens on, nor on the one that is `beside` above it."""
    rng = random.SystemRandom()
    for _ in range(1_000):
        port = rng.randint(_FIRST, _LAST - beside)
        if _is_free(port) and (not beside or _is_free(port + beside)):
            return port
    raise RuntimeError(f"no free port between {_FIRST} and {_LAST}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
