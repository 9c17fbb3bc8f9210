"""The servers under test, each a process (or a few) on a port of its own."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import redis.asyncio

from bench import cpu
from harness.builders import Customer, make_project, make_route, make_target, make_upstream
from harness.ports import free_port
from harness.valkey import ValkeyServer
from havuz_contract.accounts import apply_credits
from havuz_contract.money import MAX_NANOS, NANOS_PER_UNIT
from havuz_contract.publish import Publisher
from havuz_contract.snapshot.envelope import Keyring
from havuz_contract.snapshot.models import Billing, Price, Snapshot

_START_SECONDS = 30.0
_STOP_SECONDS = 20.0

_NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000;
  upstream provider {{ server 127.0.0.1:{provider}; keepalive 1024; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=2048;
    location / {{
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Target:
    """One server: where it listens, whose CPU time is counted, and what to send."""

    name: str
    port: int
    pids: tuple[int, ...]
    key: str = "none"
    model: str = "bench"


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a gateway of the bench serves, published to a Valkey of its own."""

    redis_url: str
    encryption_keys: str
    customer: Customer  # whose use is written down and not billed
    paying: Customer  # whose every request is reserved and billed
    model: str
    translated: str  # the model whose provider speaks Anthropic's protocol


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _is_ready(operations_port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{operations_port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


class Bench:
    """Starts processes and stops them all at the end, by their ids."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self.folder = Path(tempfile.mkdtemp(prefix="havuz-bench-"))
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)

    def __enter__(self) -> "Bench":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def provider(self, *, pace: float, events: int) -> int:
        """The provider; its port. Streams `events` events, `pace` seconds apart."""
        port = free_port()
        self._start([sys.executable, "-m", "bench.provider", str(port), str(pace), str(events)], port)
        return port

    def plain_proxy(self, provider: int) -> Target:
        """The least that an aiohttp proxy does."""
        port = free_port()
        process = self._start(
            [sys.executable, "-m", "bench.plain_proxy", str(port), f"http://127.0.0.1:{provider}"], port
        )
        return Target("plain aiohttp proxy", port, (process.pid,))

    def nginx(self, provider: int) -> Target | None:
        """Nginx as a bare proxy, or None where it is not installed."""
        executable = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
        if executable is None:
            return None
        port, folder = free_port(), self.folder / "nginx"
        folder.mkdir()
        (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, provider=provider, port=port))
        command = [executable, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
        process = self._start(command, port)
        return Target("nginx", port, (process.pid, *cpu.children(process.pid)))

    def configuration(self, provider: int) -> Configuration:
        """Publish a route over four keys of the provider, one that is translated, and two customers."""
        valkey = self._stack.enter_context(ValkeyServer())
        keys = Keyring.generate()
        upstreams = [make_upstream(f"http://127.0.0.1:{provider}/v1") for _ in range(4)]
        price = Price(unit="USD", input=NANOS_PER_UNIT, output=4 * NANOS_PER_UNIT)
        route, customer = make_route(make_target(*upstreams), prices=(price,)), make_project()
        others = [make_upstream(f"http://127.0.0.1:{provider}/v1", provider="anthropic") for _ in range(4)]
        translated = make_route(make_target(*others, model="claude-haiku-4-5"), prices=(price,))
        paying = make_project(billing=Billing(unit="USD", plan="Prepaid", credits={"bench": MAX_NANOS // 2}))
        snapshot = Snapshot(
            upstreams={upstream.uid: upstream for upstream in upstreams + others},
            routes={one.uid: one for one in (route, translated)},
            projects={one.project.uid: one.project for one in (customer, paying)},
        )
        asyncio.run(_publish(valkey.url, keys, snapshot))
        return Configuration(valkey.url, keys, customer, paying, route.model, translated.model)

    def gateway(
        self,
        name: str,
        served: Configuration,
        *,
        environment: Mapping[str, str],
        profile: Path | None = None,
        module: str = "havuz_gateway",
        paying: bool = False,
        translated: bool = False,
    ) -> Target:
        """A gateway process as it is shipped: keys checked, request log on, metrics on; `paying`: all is billed."""
        port, operations = free_port(), free_port()
        own = {
            "HAVUZ_REDIS_URL": served.redis_url,
            "HAVUZ_ENCRYPTION_KEYS": served.encryption_keys,
            "HAVUZ_HOST": "127.0.0.1",
            "HAVUZ_PORT": str(port),
            "HAVUZ_OPERATIONS_HOST": "127.0.0.1",
            "HAVUZ_OPERATIONS_PORT": str(operations),
            "HAVUZ_DRAIN_DELAY": "0",
            **environment,
        }
        profiler = ["-m", "cProfile", "-o", str(profile)] if profile is not None else []
        process = self._start([sys.executable, *profiler, "-m", module], operations, own, ready=_is_ready)
        customer = served.paying if paying else served.customer
        model = served.translated if translated else served.model
        return Target(name, port, (process.pid,), key=customer.live, model=model)

    def stop(self, target: Target) -> None:
        """End a target early and wait for it, so that it can write its profile."""
        _end(self._processes[target.pids[0]])

    def _start(
        self,
        command: list[str],
        port: int,
        environment: Mapping[str, str] | None = None,
        *,
        ready: Callable[[int], bool] = _accepts,
    ) -> "subprocess.Popen[bytes]":
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("HAVUZ_", "OTEL_"))}
        with (self.folder / f"{port}.log").open("ab") as log:
            process = subprocess.Popen(
                command, env=clean | dict(environment or {}), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._processes[process.pid] = process
        self._stack.callback(_end, process)
        deadline = time.monotonic() + _START_SECONDS
        while not ready(port):
            if process.poll() is not None or time.monotonic() > deadline:
                text = (self.folder / f"{port}.log").read_text(errors="replace")
                raise RuntimeError(f"{command!r} did not start:\n{text[-4000:]}")
            time.sleep(0.05)
        return process


async def _publish(redis_url: str, encryption_keys: str, snapshot: Snapshot) -> None:
    client = redis.asyncio.Redis.from_url(redis_url)
    try:
        await Publisher(client, Keyring.parse(encryption_keys)).publish(snapshot)
        await apply_credits(client, list(snapshot.projects.values()), now=time.time())
    finally:
        await client.aclose()


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
