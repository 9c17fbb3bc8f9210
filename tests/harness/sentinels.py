"""A primary, a replica, and three Sentinels that watch them impatiently."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import redis

from harness.ports import free_port
from harness.valkey import ValkeyServer, server_executable

SERVICE = "havuz"
_READY_SECONDS = 15.0
_COUNT = 3
_CONFIGURATION = """
port {port}
bind 127.0.0.1
dir {folder}
protected-mode no
sentinel monitor {service} 127.0.0.1 {primary} 2
sentinel down-after-milliseconds {service} 600
sentinel failover-timeout {service} 3000
"""


class SentinelInstallation:
    """Use it as a context manager. `primary` is the server that was first; `replica` follows it."""

    def __init__(self) -> None:
        self.primary = ValkeyServer("--repl-diskless-sync-delay", "0", "--repl-timeout", "5")
        follow = f"127.0.0.1 {self.primary.port}".split()
        self.replica = ValkeyServer("--replicaof", *follow, "--repl-diskless-sync-delay", "0")
        self.ports = [free_port() for _ in range(_COUNT)]
        self.watched = self.primary.port  # where Sentinels find the primary, and send clients to
        self.settings = ""  # of each Sentinel, beside its own
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        """Names every Sentinel."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        return f"redis+sentinel://{hosts}/{SERVICE}/0"

    def __enter__(self) -> "SentinelInstallation":
        with ExitStack() as stack:
            stack.enter_context(self.primary)
            stack.enter_context(self.replica)
            _until(self.replica.port, lambda client: client.info("replication")["master_link_status"] == "up")
            self.prepare()
            for port in self.ports:
                self._start(stack, port)
            for port in self.ports:
                _until(port, _knows_everyone)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def prepare(self) -> None:
        """What is to be done once the servers run, and before the Sentinels look at them."""

    def _start(self, stack: ExitStack, port: int) -> None:
        folder = Path(tempfile.mkdtemp(prefix="havuz-sentinel-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        file = folder / "sentinel.conf"
        text = _CONFIGURATION.format(port=port, folder=folder, service=SERVICE, primary=self.watched)
        file.write_text(text + self.settings)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([server_executable(), str(file), "--sentinel"], stdout=log, stderr=log)
        stack.callback(_end, process)
        _until(port, _made_impatient)


def _made_impatient(client: "redis.Redis") -> bool:
    return bool(client.execute_command("SENTINEL", "DEBUG", "publish-period", "200", "info-period", "300"))


def _knows_everyone(client: "redis.Redis") -> bool:
    state = client.sentinel_master(SERVICE)
    return bool(state["num-other-sentinels"] == _COUNT - 1 and state["num-slaves"] == 1)


def _until(port: int, condition: Callable[["redis.Redis"], Any]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    with redis.Redis(port=port) as client:
        while True:
            try:
                if condition(client):
                    return
            except redis.RedisError:
                pass
            if time.monotonic() > deadline:
                raise RuntimeError(f"the server on port {port} was not ready in {_READY_SECONDS:g} s")
            time.sleep(0.02)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
