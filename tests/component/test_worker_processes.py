"""`--workers`: several gateway processes behind one port, seen as one by probes, scrapes and SIGTERM."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.caller import Reply, calling
from harness.descendants import children_of, runs
from harness.fake_provider import FakeProvider, Stream
from harness.gateway import GatewayProcess
from harness.ports import free_port
from harness.valkey import ValkeyServer
from harness.world import World
from havuz_contract import keys
from havuz_contract.snapshot.envelope import Keyring
from havuz_contract.snapshot.models import Route
from havuz_gateway.processes.supervisor import Supervisor
from havuz_gateway.settings import read_settings

StartGateway = Callable[..., GatewayProcess]
KEYS = f"--encryption-keys={Keyring.generate()}"


def chat(route: Route, *, stream: bool = False) -> dict[str, object]:
    return {"model": route.model, "stream": stream, "messages": [{"role": "user", "content": "hi"}]}


def started(start_gateway: StartGateway, **settings: str) -> GatewayProcess:
    """A gateway of two workers. Three processes take their time to start on a busy machine."""
    gateway = start_gateway(wait=False, workers="2", **settings)
    gateway.wait_ready(100)
    return gateway


def scraped(gateway: GatewayProcess) -> str:
    with urllib.request.urlopen(f"{gateway.operations_url}/metrics", timeout=10) as answer:
        return bytes(answer.read()).decode()


def workers_of(page: str, metric: str) -> dict[str, float]:
    """The sum of a metric by worker."""
    sums: dict[str, float] = {}
    for worker, value in re.findall(rf'^{metric}{{worker="(\d+)".*?}} (\S+)$', page, re.MULTILINE):
        sums[worker] = sums.get(worker, 0.0) + float(value)
    return sums


async def until(true: Callable[[], bool], seconds: float = 90.0) -> None:
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(true):
            await asyncio.sleep(0.05)


async def ask(gateway: GatewayProcess, key: str, route: Route, *, stream: bool = False) -> Reply:
    """Over a connection of its own, which may be any worker's."""
    async with calling(gateway.base_url, key) as caller:
        return await caller.post("/v1/chat/completions", chat(route, stream=stream))


async def all_serve(gateway: GatewayProcess, count: int) -> None:
    await until(lambda: len(workers_of(scraped(gateway), "havuz_config_revision")) == count)


async def test_connections_are_spread_over_workers_that_the_fleet_knows_each(
    world: World, provider: FakeProvider, start_gateway: StartGateway
) -> None:
    gateway = started(start_gateway)
    world.gateways.append(gateway)
    customer, route = await world.serve(provider.base_url)
    await all_serve(gateway, 2)
    for _ in range(40):  # one worker alone answers all of them once in 10^12 runs
        assert (await ask(gateway, customer.live, route)).status == 200
    page = scraped(gateway)
    assert sum(workers_of(page, "havuz_requests_total").values()) == 40
    assert set(workers_of(page, "havuz_requests_total")) == {"1", "2"}
    assert page.count("# TYPE havuz_requests_total counter") == 1
    fleet = set(await world.redis.hkeys(keys.FLEET))
    assert {name.encode() for name in gateway.fleet_ids} <= fleet
    journals = {path.name.rpartition("-")[0] for path in gateway.directory.glob("state/settles/*")}
    assert set(gateway.fleet_ids) <= journals


async def test_a_worker_that_is_killed_is_started_again_while_the_other_serves(
    world: World, provider: FakeProvider, start_gateway: StartGateway
) -> None:
    gateway = started(start_gateway)
    world.gateways.append(gateway)
    customer, route = await world.serve(provider.base_url)
    await all_serve(gateway, 2)
    before = children_of(gateway.pid)
    os.kill(before[0], signal.SIGKILL)
    ended = "a worker ended and is started again"  # by then its socket is gone, and the kernel sends nobody there
    await until(lambda: any(line["event"] == ended for line in gateway.log_lines()))
    assert not runs(before[0])
    for _ in range(10):
        assert (await ask(gateway, customer.live, route)).status == 200
    assert gateway.readiness()[0] == 200
    await all_serve(gateway, 2)
    assert sorted(workers_of(scraped(gateway), "havuz_worker_starts_total").values()) == [1, 2]


async def test_sigterm_lets_every_stream_of_every_worker_end(
    world: World, provider: FakeProvider, start_gateway: StartGateway
) -> None:
    gateway = started(start_gateway, drain_delay="0.3")
    world.gateways.append(gateway)
    customer, route = await world.serve(provider.base_url)
    await all_serve(gateway, 2)
    pieces = [f"word{number} " for number in range(30)]
    provider.always(Stream(pieces, pace=0.05))
    children = children_of(gateway.pid)
    async with asyncio.TaskGroup() as group:
        streams = [group.create_task(ask(gateway, customer.live, route, stream=True)) for _ in range(30)]
        await provider.received(30)
        gateway.terminate()
        await until(lambda: gateway.readiness()[0] == 503)
    for stream in streams:
        text = "".join(event["choices"][0]["delta"].get("content") or "" for event in stream.result().events)
        assert text == "".join(pieces)
    assert await gateway.wait() == 0
    assert not any(runs(pid) for pid in children)


async def test_workers_do_not_outlive_a_supervisor_that_is_killed(start_gateway: StartGateway) -> None:
    gateway = started(start_gateway)
    children = children_of(gateway.pid)
    assert len(children) == 2
    gateway.kill()
    await until(lambda: not any(runs(pid) for pid in children))


@pytest.mark.timeout(260)  # two starts, on a machine that may be busy
async def test_a_worker_that_hangs_is_killed_and_started_again(
    valkey: ValkeyServer, encryption_keys: str, tmp_path: Path
) -> None:
    own = {"redis-url": valkey.url, "encryption-keys": encryption_keys, "drain-delay": "0", "drain-grace": "1"}
    ports = {"port": free_port(), "operations-host": "127.0.0.1", "operations-port": free_port()}
    flags = [f"--{name}={value}" for name, value in {**own, **ports, "host": "127.0.0.1"}.items()]
    stop = asyncio.Event()
    supervisor = Supervisor(read_settings(flags), flags, folder=tmp_path, look_seconds=1.0)
    running = asyncio.create_task(supervisor.run(stop))
    try:
        hung = supervisor._children[0]

        async def answers() -> int:
            return (await hung.ask("/livez"))[0]

        async with asyncio.timeout(220):
            while await answers() != 200:
                await asyncio.sleep(0.05)
            pid = hung.pid
            assert pid is not None
            os.kill(pid, signal.SIGSTOP)
            while hung.pid in (pid, None) or await answers() != 200:
                await asyncio.sleep(0.05)
        assert hung.starts >= 2
        assert not runs(pid)
    finally:
        stop.set()
        await running


def refused(*flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "havuz_gateway", "--workers=2", "--host=127.0.0.1", *flags],
        capture_output=True,
        text=True,
        timeout=60,
        env={},
    )


def test_what_one_process_would_refuse_is_refused_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = refused(KEYS, f"--port={port}", "--operations-port=0")
    assert ended.returncode == 2
    assert ended.stderr.count(f"can't listen on 127.0.0.1:{port}") == 1
    assert refused("--operations-port=0").stderr.count("encryption_keys is not set") == 1


def test_a_worker_that_refuses_to_start_ends_all_of_them() -> None:
    ended = refused(KEYS, f"--port={free_port()}", "--operations-port=0", "--state-dir=/proc/nowhere")
    assert ended.returncode == 2
    assert "/proc/nowhere/settles' can't be written" in ended.stderr
    assert "refused to start: its sentence stands above" in ended.stderr


@pytest.mark.parametrize("setting", ["--workers=0", "--workers=many"])
def test_a_number_of_workers_is_a_number(setting: str) -> None:
    assert "setting 'workers' (HAVUZ_WORKERS, --workers)" in refused(KEYS, setting).stderr
