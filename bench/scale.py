"""`python -m bench.scale`: a large installation on a real API server, as Markdown.

The operator's cold start, one change of a ModelRoute until every gateway serves it, and what both cost. Times of a
machine that does other things are rough; CPU and memory hold. Nothing of it is a test.
"""

import argparse
import asyncio
import gc
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(
    0, str(Path(__file__).parents[1] / "tests")
)  # the harness that starts the control plane, Valkey and gateways

import aiohttp
import redis.asyncio
from pydantic import SecretStr

from bench import cpu, figures, report
from bench.scale_objects import ApiServer, Sizes, fill, route_path
from harness.cluster.cluster import Cluster, open_cluster
from harness.cluster.operator import OperatorProcess
from harness.gateway import GatewayProcess
from harness.valkey import ValkeyServer
from havuz_contract import keys
from havuz_contract.snapshot.envelope import Keyring
from havuz_gateway.parts import Parts
from havuz_gateway.settings import Settings

ROOT = Path(__file__).parents[1]
_POLL_SECONDS = 0.004
_TICK_SECONDS = 0.001
_QUIET_CPU = 0.03  # cores
_QUIET_LOOK_SECONDS = 5.0
_PATIENCE_SECONDS = 1200.0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--projects", type=int, default=10_000)
    parser.add_argument("--routes", type=int, default=1_000)
    parser.add_argument("--keys", type=int, default=2_000)
    parser.add_argument("--changes", type=int, default=200)
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between two changes (default: 1)")
    return parser.parse_args()


class Stalls:
    """The longest that the loop's other work held it, in CPU seconds, which other processes can't lengthen."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        before = time.thread_time()
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            now = time.thread_time()
            self.longest, before = max(self.longest, now - before), now


async def _revision(client: Any) -> int:
    return int(await client.hget(keys.META, "revision") or 0)


async def _cold_start(operator: OperatorProcess, client: Any) -> tuple[float, float]:
    """Seconds, and CPU seconds, from nothing to a published configuration."""
    began, process = time.monotonic(), operator.spawn()
    while not await _revision(client):
        if process.poll() is not None or time.monotonic() - began > _PATIENCE_SECONDS:
            raise RuntimeError(f"nothing was published:\n{operator.log[-2000:]}")
        await asyncio.sleep(0.05)
    return time.monotonic() - began, cpu.cpu_seconds([process.pid])


async def _quiet(pid: int) -> float:
    """Seconds until the operator has nothing left to write."""
    began, before = time.monotonic(), cpu.cpu_seconds([pid])
    while time.monotonic() - began < _PATIENCE_SECONDS:
        await asyncio.sleep(_QUIET_LOOK_SECONDS)
        now = cpu.cpu_seconds([pid])
        if now - before < _QUIET_CPU * _QUIET_LOOK_SECONDS:
            break
        before = now
    return time.monotonic() - began


async def _served(session: aiohttp.ClientSession, gateway: GatewayProcess, key: str, model: str) -> float:
    url, headers = f"{gateway.base_url}/v1/models/{model}", {"Authorization": f"Bearer {key}"}
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        async with session.get(url, headers=headers) as answer:
            if answer.status == 200:
                return time.monotonic()
        await asyncio.sleep(_POLL_SECONDS)
    raise RuntimeError(f"{gateway.base_url} never served {model}")


async def _changes(
    api: ApiServer, gateways: list[GatewayProcess], key: str, options: argparse.Namespace
) -> list[float]:
    """Seconds from the call that changes a ModelRoute until the last gateway serves it so, per change."""
    took = []
    async with aiohttp.ClientSession() as session:
        for number in range(options.changes):
            alias, began = f"alias-{number}", time.monotonic()
            await api.patch(route_path(number % options.routes), {"spec": {"aliases": [alias]}})
            ends = await asyncio.gather(*(_served(session, one, key, alias) for one in gateways))
            took.append(max(ends) - began)
            await asyncio.sleep(options.pause)
    return took


@contextmanager
def _installed() -> Iterator[tuple[Cluster, ValkeyServer]]:
    with ExitStack() as stack:
        cluster = stack.enter_context(open_cluster())
        for path in sorted((ROOT / "crds").glob("*.yaml")):
            cluster.kubectl("apply", "--server-side", "-f", str(path))
        cluster.kubectl("wait", "--for=condition=Established", "crd", "--all")
        yield cluster, stack.enter_context(ValkeyServer())


async def _measure(cluster: Cluster, server: ValkeyServer, options: argparse.Namespace) -> list[tuple[str, str]]:
    ring = Keyring.generate()
    sizes = Sizes(options.projects, options.routes, options.keys)
    operator = OperatorProcess(kubeconfig=cluster.kubeconfig, redis_url=server.url, encryption_keys=ring)
    rows: list[tuple[str, str]] = []
    async with ApiServer(cluster.kubeconfig) as api, redis.asyncio.Redis.from_url(server.url) as client:
        key, filling = await fill(api, sizes)
        print(f"{sum((sizes.projects * 2, sizes.routes, sizes.keys))} objects in {filling:.0f} s", file=sys.stderr)
        with ExitStack() as stack:
            stack.callback(operator.__exit__)
            gateways = [GatewayProcess(redis_url=server.url, encryption_keys=ring) for _ in range(2)]
            for what in ("first start, no status written yet", "cold start"):
                operator.kill()
                await client.flushall()
                seconds, busy = await _cold_start(operator, client)
                rows.append((f"{what}: until published", f"{seconds:.1f} s ({busy:.1f} s of CPU)"))
                for gateway in gateways if what == "cold start" else ():
                    stack.enter_context(gateway)
                rows.append((f"{what}: until every status is written", f"{seconds + await _quiet(operator.pid):.0f} s"))
                print(rows[-2:], file=sys.stderr)
            busy = cpu.cpu_seconds([operator.pid])
            rows += await _follow(api, gateways, key, server.url, ring, options)
            each = (cpu.cpu_seconds([operator.pid]) - busy) / options.changes
            rows.append(("CPU of the operator per change, statuses and waiting included", f"{each:.2f} s"))
            rows.append(("memory of the operator, at most", f"{cpu.peak_memory_mib(operator.pid):.0f} MiB"))
    return rows


async def _follow(
    api: ApiServer, gateways: list[GatewayProcess], key: str, url: str, ring: str, options: argparse.Namespace
) -> list[tuple[str, str]]:
    """The changes, with a third gateway's source in this process to see how long each holds the loop."""
    parts, stalls = Parts(Settings.make(redis_url=SecretStr(url), encryption_keys=SecretStr(ring))), Stalls()
    source = asyncio.create_task(parts.source.run())
    await parts.holder.loaded.wait()
    gc.freeze()  # as a gateway does once it has loaded
    await asyncio.sleep(1.0)
    watching = asyncio.create_task(stalls.run())
    took = await _changes(api, gateways, key, options)
    for task in (watching, source):
        task.cancel()
    await asyncio.gather(watching, source, return_exceptions=True)
    await parts.http.close()
    await parts.redis.aclose()
    milliseconds = [f"{figures.quantile(took, share) * 1e3:.0f}" for share in (0.5, 0.99)]
    return [
        (f"{len(took)} changes until every gateway serves them: p50 / p99", f"{' / '.join(milliseconds)} ms"),
        ("longest that a change held a gateway's loop", f"{stalls.longest * 1e3:.1f} ms of CPU"),
        ("memory of a gateway", f"{cpu.memory_mib([gateways[0].pid]):.0f} MiB"),
    ]


def main() -> int:
    """Measure and print."""
    options = _arguments()
    print(f"{report.machine()}, load average {os.getloadavg()[0]:.1f}\n")
    with _installed() as (cluster, server):
        rows = asyncio.run(_measure(cluster, server, options))
    print(f"| {options.projects} Projects, {options.routes} ModelRoutes, {options.keys} UpstreamKeys | |\n|---|--:|")
    print("\n".join(f"| {what} | {value} |" for what, value in rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
