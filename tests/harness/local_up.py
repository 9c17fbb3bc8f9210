"""`havuz up` as a process of its own, on a copy of the quick-start manifests."""

import asyncio
import os
import shlex
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.ports import free_port

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart"
HAVUZ = (sys.executable, "-c", "import sys; from havuz_gateway.cli import main; sys.exit(main())", "up")
_PATIENCE_SECONDS = 30.0


class Local:
    """One `havuz up` and what it printed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifests = folder / "manifests"
        self.port = free_port()
        self.lines: list[str] = []
        self._spoke = asyncio.Condition()
        self._reader: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self, *flags: str, **environment: str) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
        self._process = await asyncio.create_subprocess_exec(
            *(*HAVUZ, "--manifests", "manifests", "--port", str(self.port), *flags),
            cwd=self.folder,
            env=inherited | environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._reader = asyncio.create_task(self._read(self._process))

    async def printed(self, text: str) -> None:
        """Return once `text` was printed."""
        async with asyncio.timeout(_PATIENCE_SECONDS), self._spoke:
            await self._spoke.wait_for(lambda: text in self.output)

    async def end(self) -> int:
        """The exit code, once everything it printed was read."""
        assert self._process is not None
        assert self._reader is not None
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await self._reader
            return await self._process.wait()

    async def interrupt(self) -> int:
        """Ctrl-C."""
        os.kill(self.pid, signal.SIGINT)
        return await self.end()

    def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    def environment(self) -> dict[str, str]:
        """What `. .havuz/env` sets."""
        text = (self.folder / ".havuz" / "env").read_text()
        words = (shlex.split(line)[1].split("=", 1) for line in text.splitlines())
        return {name: value for name, value in words}  # noqa: C416 - a list of two is no pair for mypy

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            async with self._spoke:
                self.lines.append(line.decode().rstrip())
                self._spoke.notify_all()


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    """What is not yet started."""
    shutil.copytree(QUICKSTART, tmp_path / "manifests")
    made = Local(tmp_path)
    yield made
    made.kill()
    if made._reader is not None:
        await made.end()


@pytest.fixture
async def served(local: Local) -> Local:
    """The same, once it serves."""
    await local.start()
    await local.printed("Ctrl-C stops")
    return local
