"""`/metrics` of a gateway, as Prometheus reads it."""

import asyncio
import urllib.request

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from harness.gateway import GatewayProcess


async def scrape(gateway: GatewayProcess) -> dict[str, Metric]:
    """Every family by its name."""

    def read() -> tuple[str, str]:
        with urllib.request.urlopen(f"{gateway.operations_url}/metrics", timeout=10) as answer:
            return answer.headers["content-type"], answer.read().decode()

    kind, text = await asyncio.to_thread(read)
    assert kind.startswith("text/plain")
    return {family.name: family for family in text_string_to_metric_families(text)}
