"""The real gateway as a process of its own, on free loopback ports."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from harness.ports import free_port

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.02


class GatewayProcess:
    """`python -m havuz_gateway` with its log in a file. Use it as a context manager.

    `settings` are environment variables without their prefix, such as `drain_grace="5"`; `environment` are whole ones.
    """

    PROGRAM: ClassVar[tuple[str, ...]] = ("-m", "havuz_gateway")

    def __init__(
        self,
        *,
        redis_url: str,
        encryption_keys: str,
        environment: Mapping[str, str] | None = None,
        **settings: str,
    ) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="havuz-gateway-"))
        self.port, self.operations_port = free_port(), free_port()
        self.gateway_id = f"test-{self.port}"
        own = {
            "redis_url": redis_url,
            "encryption_keys": encryption_keys,
            "host": "127.0.0.1",
            "port": str(self.port),
            "operations_host": "127.0.0.1",
            "operations_port": str(self.operations_port),
            "gateway_id": self.gateway_id,
            "state_dir": str(self.directory / "state"),
            "drain_delay": "0",
            **settings,
        }
        workers = int(settings.get("workers", "1"))
        self.fleet_ids = (
            [self.gateway_id] if workers == 1 else [f"{self.gateway_id}-{number + 1}" for number in range(workers)]
        )
        self._environment = {f"HAVUZ_{name.upper()}": value for name, value in own.items() if value}
        self._environment |= environment or {}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:<port>`, without `/v1`."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def operations_url(self) -> str:
        """Where `/livez`, `/readyz` and `/metrics` are."""
        return f"http://127.0.0.1:{self.operations_port}"

    @property
    def pid(self) -> int:
        """The id of the running process."""
        return self._running().pid

    @property
    def log(self) -> str:
        """Everything it printed so far."""
        path = self.directory / "gateway.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def log_lines(self) -> list[dict[str, Any]]:
        """The lines of its log that are JSON objects."""
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]

    def __enter__(self) -> "GatewayProcess":
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self, *, wait: bool = True) -> None:
        """Start it; with `wait`, until it is ready. A failing start raises with the log."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("HAVUZ_", "OTEL_"))}
        with (self.directory / "gateway.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self.PROGRAM],
                env=clean | self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        if wait:
            self.wait_ready()

    def wait_ready(self, seconds: float = _START_SECONDS) -> None:
        """Return once `/readyz` says 200."""
        deadline = time.monotonic() + seconds
        while self.readiness()[0] != 200:
            if self._running().poll() is not None:
                raise RuntimeError(f"the gateway ended with {self._running().returncode}:\n{self.log}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"the gateway was not ready in {seconds:g} s: {self.readiness()[1]}\n{self.log}")
            time.sleep(_POLL_SECONDS)

    async def launch(self) -> None:
        """`start` without holding the test's event loop."""
        await asyncio.to_thread(self.start)

    def readiness(self) -> tuple[int, str]:
        """Status and text of `/readyz`; status 0 while nothing listens."""
        try:
            with urllib.request.urlopen(f"{self.operations_url}/readyz", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def serves(self, key: str) -> bool:
        """Whether a project key works here."""
        asked = urllib.request.Request(f"{self.base_url}/v1/models", headers={"Authorization": f"Bearer {key}"})
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 401:
                    return False
                raise

    def terminate(self) -> None:
        """Ask it to drain (SIGTERM); `wait` tells how that went."""
        self._running().send_signal(signal.SIGTERM)

    async def wait(self, seconds: float = _STOP_SECONDS) -> int:
        """The exit code, once it has ended."""
        return await asyncio.to_thread(self._running().wait, seconds)

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing answers."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """End a pause."""
        self._running().send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once. Safe to repeat."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            raise RuntimeError("the gateway has not been started")
        return self._process
