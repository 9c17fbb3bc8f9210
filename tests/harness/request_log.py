"""The request log of a gateway under test."""

import asyncio
from typing import Any

from harness.gateway import GatewayProcess


async def lines_of(gateway: GatewayProcess, request_id: str) -> list[dict[str, Any]]:
    """The lines about one request; it is written after the answer, so the first look may come too early."""
    async with asyncio.timeout(10):
        while True:
            lines = [line for line in gateway.log_lines() if line.get("request_id") == request_id]
            if lines:
                return lines
            await asyncio.sleep(0.02)
