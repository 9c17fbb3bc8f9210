"""havuz as a target: what it serves in a bench, and the ways in which it is started."""

import asyncio
import sys
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis.asyncio

from bench.processes import Processes, Target
from bench.upstream import Upstream
from harness.builders import Customer, make_project, make_route, make_target, make_upstream
from harness.ports import free_port
from harness.valkey import ValkeyServer
from havuz_contract.accounts import apply_credits
from havuz_contract.money import MAX_NANOS, NANOS_PER_UNIT
from havuz_contract.publish import Publisher
from havuz_contract.snapshot.envelope import Keyring
from havuz_contract.snapshot.models import Billing, Limits, Price, Snapshot

_KEYS = 4  # upstream keys to choose among
_MANY = 1_000_000_000  # a limit that is counted and not reached
_LIMITS = Limits(requests_per_minute=_MANY, tokens_per_minute=_MANY, concurrency=_MANY)
_PRICE = Price(unit="USD", input=NANOS_PER_UNIT, output=4 * NANOS_PER_UNIT)


@dataclass(frozen=True, slots=True)
class Served:
    """What the gateways of a bench serve, published to a Valkey of their own."""

    redis_url: str
    encryption_keys: str
    paying: Customer  # whose every request is limited, reserved and billed
    counted: Customer  # whose use is written down and not billed
    model: str
    translated: str  # the model whose provider speaks Anthropic's protocol
    collector: int  # who takes the spans


def serve(processes: Processes, upstream: Upstream) -> Served:
    """Publish a route over four keys of the provider, one that is translated, and two customers."""
    valkey = ValkeyServer()
    valkey.__enter__()
    processes.keep(lambda: valkey.__exit__(None, None, None))
    keys = Keyring.generate()
    where: dict[str, Any] = {"base_url": f"{upstream.url}/v1", "ca_bundle": upstream.authority_pem}
    upstreams = [make_upstream(**where) for _ in range(_KEYS)]
    others = [make_upstream(**where, provider="anthropic") for _ in range(_KEYS)]
    route = make_route(make_target(*upstreams), prices=(_PRICE,))
    translated = make_route(make_target(*others, model="claude-haiku-4-5"), prices=(_PRICE,))
    billing = Billing(unit="USD", plan="Prepaid", credits={"bench": MAX_NANOS // 2})
    paying, counted = make_project(billing=billing, limits=_LIMITS), make_project()
    snapshot = Snapshot(
        upstreams={one.uid: one for one in upstreams + others},
        routes={one.uid: one for one in (route, translated)},
        projects={one.project.uid: one.project for one in (paying, counted)},
    )
    asyncio.run(_publish(valkey.url, keys, snapshot))
    return Served(valkey.url, keys, paying, counted, route.model, translated.model, upstream.plain_port)


def gateway(
    processes: Processes,
    name: str,
    served: Served,
    *,
    traced: float = 0.0,
    environment: Mapping[str, str] | None = None,
    profile: Path | None = None,
    module: str = "havuz_gateway",
    paying: bool = True,
    translated: bool = False,
) -> Target:
    """A gateway process as it is shipped: keys checked, request log on, metrics on, a share of requests `traced`."""
    port, operations = free_port(), free_port()
    own = {
        "HAVUZ_REDIS_URL": served.redis_url,
        "HAVUZ_ENCRYPTION_KEYS": served.encryption_keys,
        "HAVUZ_HOST": "127.0.0.1",
        "HAVUZ_PORT": str(port),
        "HAVUZ_OPERATIONS_HOST": "127.0.0.1",
        "HAVUZ_OPERATIONS_PORT": str(operations),
        "HAVUZ_DRAIN_DELAY": "0",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{served.collector}",
        "HAVUZ_TRACE_RATIO": str(traced),
        **(environment or {}),
    }
    profiler = ["-m", "cProfile", "-o", str(profile)] if profile is not None else []
    pid = processes.start(
        [sys.executable, *profiler, "-m", module], environment=own, ready=lambda: _is_ready(operations)
    )
    key = (served.paying if paying else served.counted).live
    return Target(name, port, pid, key=key, model=served.translated if translated else served.model)


def _is_ready(operations_port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{operations_port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


async def _publish(redis_url: str, encryption_keys: str, snapshot: Snapshot) -> None:
    client = redis.asyncio.Redis.from_url(redis_url)
    try:
        await Publisher(client, Keyring.parse(encryption_keys)).publish(snapshot)
        await apply_credits(client, list(snapshot.projects.values()), now=time.time())
    finally:
        await client.aclose()
