"""PHP's cURL, by the programs of the users' documents with only host, key and model changed."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.gateway import GatewayProcess
from harness.world import World

PROGRAMS = Path(__file__).parent / "php"


@pytest.mark.parametrize("kind", ["live", "test"])
async def test_php_gets_an_answer(
    world: World, gateway: GatewayProcess, php: str, run: Callable[..., "asyncio.Future[str]"], kind: str
) -> None:
    customer, route = await world.serve()
    key = customer.live if kind == "live" else customer.test
    environment = {"BASE": gateway.base_url, "KEY": key, "MODEL": route.model}
    assert "Merhaba!" in await run(php, PROGRAMS / "chat.php", env=environment)


async def test_php_gets_a_stream(
    world: World, gateway: GatewayProcess, php: str, run: Callable[..., "asyncio.Future[str]"]
) -> None:
    customer, route = await world.serve()
    environment = {"BASE": gateway.base_url, "KEY": customer.live, "MODEL": route.model}
    printed = await run(php, PROGRAMS / "stream.php", env=environment)
    *events, done, rest = printed.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    assert json.loads(events[-1].removeprefix("data: "))["usage"]["total_tokens"] > 0
