"""The `curl` lines of the users' documents, with only host, key and model changed."""

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.gateway import GatewayProcess
from harness.world import World

DOCUMENTS = Path(__file__).parent / "documents"
Run = Callable[..., "asyncio.Future[str]"]


async def curl(run: Run, name: str, *, base: str, key: str, model: str) -> str:
    assert shutil.which("curl"), "curl is not installed: apt-get install curl"
    line = (DOCUMENTS / f"{name}.sh").read_text()
    for written, meant in (
        ("https://api.example.com", base),
        ("pk_live_your_api_key", key),
        ("gemini-2.0-flash", model),
    ):
        line = line.replace(written, meant)
    return await run("sh", "-c", line, env={"no_proxy": "*"})


@pytest.mark.parametrize("name", ["chat", "chat-v1"])
async def test_curl_gets_an_answer(world: World, gateway: GatewayProcess, run: Run, name: str) -> None:
    customer, route = await world.serve()
    printed = await curl(run, name, base=gateway.base_url, key=customer.live, model=route.model)
    assert "Merhaba" in json.loads(printed)["choices"][0]["message"]["content"]


async def test_curl_gets_a_stream(world: World, gateway: GatewayProcess, run: Run) -> None:
    customer, route = await world.serve()
    printed = await curl(run, "stream", base=gateway.base_url, key=customer.live, model=route.model)
    assert "Kısa" in printed
    assert printed.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize("name", ["models", "models-header", "models-query"])
async def test_curl_lists_models(world: World, gateway: GatewayProcess, run: Run, name: str) -> None:
    customer, route = await world.serve()
    printed = await curl(run, name, base=gateway.base_url, key=customer.live, model=route.model)
    assert [model["id"] for model in json.loads(printed)["data"]] == [route.model]


async def test_curl_gets_embeddings(world: World, gateway: GatewayProcess, run: Run) -> None:
    customer, route = await world.serve()
    printed = await curl(run, "embeddings", base=gateway.base_url, key=customer.live, model=route.model)
    assert len(json.loads(printed)["data"][0]["embedding"]) == 1536
