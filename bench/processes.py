"""The processes of a bench: the servers under test, each on a port and a core, and all of them ended by their ids."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench import cpu, load

_START_SECONDS = 90.0
_STOP_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Target:
    """One server: where it listens, the process whose CPU time is counted with all that it starts, what to send."""

    name: str
    port: int
    pid: int
    key: str = "none"
    model: str = "bench"
    headers: Mapping[str, str] = field(default_factory=dict)
    version: str = ""

    def request(self, *, stream: bool, pace: int = 20, events: int = 100) -> bytes:
        """A chat request for it."""
        return load.request(
            f"127.0.0.1:{self.port}", key=self.key, model=self.model, stream=stream, headers=self.headers,
            pace=pace, events=events,
        )  # fmt: skip

    def cpu_seconds(self) -> float:
        """What it has used so far."""
        return cpu.cpu_seconds(cpu.tree(self.pid))

    def memory_mib(self) -> float:
        """What is resident of it."""
        return cpu.memory_mib(cpu.tree(self.pid))


def accepts(port: int) -> bool:
    """Whether anything listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Processes:
    """Starts processes on a core and stops them all at the end."""

    def __init__(self, core: int | None) -> None:
        self._core = core
        self._stack = ExitStack()
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self.folder = Path(tempfile.mkdtemp(prefix="havuz-bench-"))
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def keep(self, close: Callable[[], object]) -> None:
        """Call this at the end, too."""
        self._stack.callback(close)

    def start(
        self,
        command: Sequence[str],
        *,
        ready: Callable[[], bool],
        environment: Mapping[str, str] | None = None,
        seconds: float = _START_SECONDS,
        tested: bool = True,
    ) -> int:
        """Start a server, on the tested core unless it is not `tested`, and wait until it is ready; its pid.

        Raises `RuntimeError` with the end of its log.
        """
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("HAVUZ_", "OTEL_"))}
        path = self.folder / f"{len(self._processes)}.log"
        before = os.sched_getaffinity(0)
        with path.open("ab") as log:
            if tested and self._core is not None:
                os.sched_setaffinity(0, {self._core})  # it inherits that, and so does every thread of its own
            try:
                process = subprocess.Popen(
                    command, env=clean | dict(environment or {}), cwd=self._root(), stdin=subprocess.DEVNULL,
                    stdout=log, stderr=log,
                )  # fmt: skip
            finally:
                os.sched_setaffinity(0, before)
        self._processes[process.pid] = process
        self._stack.callback(_end, process)
        deadline = time.monotonic() + seconds
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]!r} did not start: {path.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        return process.pid

    def stop(self, target: Target) -> None:
        """End a target early and wait for it, so that it can write its profile."""
        _end(self._processes[target.pid])

    @staticmethod
    def _root() -> Path:
        return Path(__file__).parents[1]


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
