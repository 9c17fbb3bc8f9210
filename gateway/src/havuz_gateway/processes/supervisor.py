"""Starts the workers, starts those again that end, and speaks for all of them on the operations port.

Each worker is a whole gateway: the kernel spreads connections over them (SO_REUSEPORT), and the fleet sees each. A
worker listens to clients once it has a configuration, so the process group is ready as soon as one of them is.
"""

import asyncio
import logging
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from aiohttp import web

from havuz_contract.settings import SettingsError
from havuz_gateway.lifecycle import check_port, listen
from havuz_gateway.operations import operations_app
from havuz_gateway.processes.child import Child
from havuz_gateway.processes.merged_metrics import merge
from havuz_gateway.settings import Settings

_log = logging.getLogger(__name__)

_REFUSED = 2  # the exit code of a gateway whose settings do not allow a start
_LOOK_SECONDS = 5.0
_MOST_SILENCES = 6  # looks without an answer, after which a worker is taken for hung and killed
_START_LENIENCY = 10  # times as many for one that is still starting
_SHORT_LIFE_SECONDS = 30.0
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0
_MARGIN_SECONDS = 10.0  # for the end of a worker behind its grace: half-way within the chart's


class Supervisor:
    """Runs `settings.workers` processes. `arguments` are the flags that this one was started with.

    Each is asked every `look_seconds` whether it lives, and has as long to answer.
    """

    def __init__(
        self, settings: Settings, arguments: Sequence[str], *, folder: Path, look_seconds: float = _LOOK_SECONDS
    ) -> None:
        self._settings = settings
        self._arguments = tuple(arguments)
        self._folder = folder
        self._look_seconds = look_seconds
        self._children = [Child(number, folder / f"{number}.sock") for number in range(1, settings.workers + 1)]
        self._stopping = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Keep all workers running until `stop` is set, then let all of them drain.

        Raises `SettingsError` where a worker refuses to start, `PortTakenError`.
        """
        settings = self._settings
        if settings.role != "worker":
            check_port(settings.host, settings.port)
        async with AsyncExitStack() as stack:
            if settings.operations_port:
                app = operations_app(self._obstacle, self._metrics)
                operations = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
                stack.push_async_callback(operations.cleanup)
                await listen(operations, (settings.operations_host, settings.operations_port))
            await self._run_children(stop)

    async def _run_children(self, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        keeping = [loop.create_task(self._keep(one), name=f"worker {one.number}") for one in self._children]
        watching = [loop.create_task(self._watch(one), name=f"watch {one.number}") for one in self._children]
        stopped = loop.create_task(stop.wait(), name="stopped")
        try:
            await asyncio.wait((stopped, *keeping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._stopping.set()
            for task in (*watching, stopped):
                task.cancel()
            await self._end(keeping)
            await asyncio.gather(*watching, stopped, return_exceptions=True)
        for end in await asyncio.gather(*keeping, return_exceptions=True):
            if end is not None:
                raise end  # why a worker could not start

    async def _keep(self, child: Child) -> None:
        """Start a worker, and again whenever it ends unasked; the shorter its lives, the longer the pauses."""
        pause = 0.0
        now = asyncio.get_running_loop().time
        while not self._stopping.is_set():
            began = now()
            code = await child.live(self._flags(child))
            if self._stopping.is_set():
                return
            if code == _REFUSED and child.starts == 1:
                raise SettingsError(f"worker {child.number} refused to start: its sentence stands above")
            pause = 0.0 if now() - began > _SHORT_LIFE_SECONDS else min(max(2 * pause, _SHORTEST_PAUSE), _LONGEST_PAUSE)
            _log.error(
                "a worker ended and is started again",
                extra={"worker": child.number, "exit_code": code, "pause": pause},
            )
            await _sleep(pause, until=self._stopping)

    async def _watch(self, child: Child) -> None:
        """Kill a worker that lives and does not answer, as the kubelet would a pod's only process."""
        silences = 0
        while True:
            await asyncio.sleep(self._look_seconds)
            pid = child.pid
            status, _ = await child.ask("/livez", seconds=self._look_seconds)
            starting = child.answered != pid
            silences = silences + 1 if status == 0 and pid is not None and pid == child.pid else 0
            if silences >= _MOST_SILENCES * (_START_LENIENCY if starting else 1):
                _log.error("a worker does not answer and is killed", extra={"worker": child.number, "pid": pid})
                child.end(at_once=True)
                silences = 0

    async def _end(self, keeping: Sequence["asyncio.Task[None]"]) -> None:
        """Let every worker drain. One that outlasts its own grace by far is killed."""
        for child in self._children:
            child.end()
        seconds = self._settings.drain_delay + self._settings.drain_grace + _MARGIN_SECONDS
        _, late = await asyncio.wait(keeping, timeout=seconds)
        for child in self._children if late else ():
            _log.error("a worker did not end in time and is killed", extra={"worker": child.number, "pid": child.pid})
            child.end(at_once=True)
        await asyncio.wait(keeping)

    def _flags(self, child: Child) -> list[str]:
        """Those of this process, and behind them, where they count, the worker's own."""
        name = f"{self._settings.gateway_id}-{child.number}"
        return [
            *self._arguments,
            "--workers=1",
            "--shared-port=true",
            f"--operations-host=unix:{self._folder}/{child.number}.sock",
            f"--operations-port={self._settings.operations_port or 9090}",
            f"--gateway-id={name}" + (f".{child.starts}" if child.starts else ""),
        ]

    async def _obstacle(self) -> str:
        """Why no client should be sent here, empty while any worker can serve."""
        if self._stopping.is_set():
            return "draining: this process was asked to end"
        answers = await self._asked("/readyz")
        if any(status == 200 for status, _ in answers):
            return ""
        words = [body.decode().strip() for status, body in answers if status]
        return words[0] if words else "no worker answers yet"

    async def _metrics(self) -> bytes:
        answers = await self._asked("/metrics")
        pages = {str(child.number): body for child, (status, body) in zip(self._children, answers, strict=True)
                 if status == 200}  # fmt: skip
        starts = "\n".join(
            ("# HELP havuz_worker_starts_total Times that a worker process was started.",
             "# TYPE havuz_worker_starts_total counter",
             *(f'havuz_worker_starts_total{{worker="{child.number}"}} {child.starts}' for child in self._children)),
        )  # fmt: skip
        return merge(pages) + f"{starts}\n".encode()

    async def _asked(self, path: str) -> list[tuple[int, bytes]]:
        return await asyncio.gather(*(child.ask(path) for child in self._children))


async def supervise(settings: Settings, arguments: Sequence[str], *, stop: asyncio.Event) -> None:
    """Run the workers until `stop` is set. Raises what `Supervisor.run` does, and `SettingsError` before a start."""
    settings.keyring()
    with tempfile.TemporaryDirectory(prefix="havuz-") as folder:
        await Supervisor(settings, arguments, folder=Path(folder)).run(stop)


async def _sleep(seconds: float, *, until: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(seconds):
            await until.wait()
    except TimeoutError:
        return
