"""One worker process: started, asked over a socket of its own, and ended."""

import asyncio
import ctypes
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import aiohttp

_PR_SET_PDEATHSIG = 1  # https://man7.org/linux/man-pages/man2/pr_set_pdeathsig.2const.html
_ASK_SECONDS = 3.0


class Child:
    """A worker, counted from 1. It listens for its supervisor at `socket`."""

    def __init__(self, number: int, socket: Path) -> None:
        self.number = number
        self.starts = 0
        self.answered: int | None = None  # the process that has answered anything
        self._socket = socket
        self._process: asyncio.subprocess.Process | None = None
        self._unwanted = False

    @property
    def pid(self) -> int | None:
        """The id of the running process."""
        return None if self._process is None else self._process.pid

    async def live(self, arguments: Sequence[str]) -> int:
        """Start `havuz-gateway` with these arguments and wait for its end. Returns the exit code."""
        self.starts += 1
        library = ctypes.CDLL(None) if sys.platform == "linux" else None

        def end_with_parent() -> None:
            if library is not None:
                library.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

        process = self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "havuz_gateway", *arguments, preexec_fn=end_with_parent
        )
        if self._unwanted:  # asked for while it was being started
            process.terminate()
        try:
            return await process.wait()
        finally:
            self._process = None

    async def ask(self, path: str, *, seconds: float = _ASK_SECONDS) -> tuple[int, bytes]:
        """Status and body of a path of its operations; status 0 where it does not answer in time."""
        asked = self.pid
        try:
            async with (
                aiohttp.ClientSession(
                    connector=aiohttp.UnixConnector(str(self._socket)),
                    timeout=aiohttp.ClientTimeout(total=seconds),
                ) as session,
                session.get(f"http://worker{path}") as answer,
            ):
                self.answered = asked
                return answer.status, await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError):
            return 0, b""

    def end(self, *, at_once: bool = False) -> None:
        """Ask it to drain (SIGTERM) for good, or kill it. Nothing where it is gone."""
        self._unwanted = self._unwanted or not at_once
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL if at_once else signal.SIGTERM)
