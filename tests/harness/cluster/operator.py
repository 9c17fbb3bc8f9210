"""The real operator as a process of its own, with a kubeconfig that is its only way to the API server."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from harness.ports import free_port

_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_POLL_SECONDS = 0.05


class OperatorProcess:
    """`python -m havuz_operator` with its log in a file. `with OperatorProcess(kubeconfig=…, …) as operator: ...`

    `settings` are environment variables without their prefix, such as `resync_interval="5"`.
    """

    def __init__(self, *, kubeconfig: Path, redis_url: str, encryption_keys: str, **settings: str) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="havuz-operator-"))
        self.port = free_port()
        own = {
            "redis_url": redis_url,
            "encryption_keys": encryption_keys,
            "operations_host": "127.0.0.1",
            "operations_port": str(self.port),
            **settings,
        }
        self._environment = {f"HAVUZ_{name.upper()}": value for name, value in own.items()}
        # no other credential is within its reach
        self._environment |= {"KUBECONFIG": str(kubeconfig), "HOME": str(self.directory)}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """Everything it printed so far."""
        path = self.directory / "operator.log"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def pid(self) -> int:
        """Of the running process."""
        if self._process is None:
            raise RuntimeError("the operator has not been started")
        return self._process.pid

    def __enter__(self) -> "OperatorProcess":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self) -> None:
        """Start it, and return once it watches. A failing start raises with the log."""
        process = self.spawn()
        deadline = time.monotonic() + _START_SECONDS
        while not self.alive():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the operator did not start:\n{self.log}")
            time.sleep(_POLL_SECONDS)

    def spawn(self) -> "subprocess.Popen[bytes]":
        """Start it without waiting for anything."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("HAVUZ_", "KUBE"))}
        with (self.directory / "operator.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "havuz_operator"],
                env=clean | self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        return self._process

    def alive(self) -> bool:
        """What the liveness probe says."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/livez", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def stop(self) -> int:
        """End it as Kubernetes does (SIGTERM); returns its exit code."""
        process, self._process = self._process, None
        if process is None:
            raise RuntimeError("the operator has not been started")
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise RuntimeError(f"the operator did not end in {_STOP_SECONDS:g} s:\n{self.log}") from None

    def kill(self) -> None:
        """End it at once. Safe to repeat."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
