"""The `curl` lines of the users' documents, with only host and key changed."""

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.builders import make_project, make_route, make_upstream
from harness.client_programs import document
from harness.fake_provider import FakeProvider
from harness.gateway import GatewayProcess
from harness.world import World

DOCUMENTS = Path(__file__).parent / "documents"
Run = Callable[..., "asyncio.Future[str]"]


async def curl(run: Run, name: str, *, base: str, key: str) -> str:
    assert shutil.which("curl"), "curl is not installed: apt-get install curl"
    return await run("sh", "-c", document(f"{name}.sh", base_url=base, key=key), env={"no_proxy": "*"})


@pytest.mark.parametrize(("name", "model"), [("chat", "gemini-2.0-flash"), ("deepseek", "deepseek-chat")])
async def test_curl_gets_an_answer(world: World, gateway: GatewayProcess, run: Run, name: str, model: str) -> None:
    customer, _ = await world.serve(name=model)
    printed = await curl(run, name, base=gateway.base_url, key=customer.live)
    assert "Merhaba" in json.loads(printed)["choices"][0]["message"]["content"]


async def test_curl_gets_a_stream(world: World, gateway: GatewayProcess, run: Run) -> None:
    customer, _ = await world.serve(name="gemini-2.0-flash")
    printed = await curl(run, "stream", base=gateway.base_url, key=customer.live)
    assert "Kısa" in printed
    assert printed.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize("name", ["models", "models-header", "models-query"])
async def test_curl_lists_models(world: World, gateway: GatewayProcess, run: Run, name: str) -> None:
    customer, route = await world.serve()
    printed = await curl(run, name, base=gateway.base_url, key=customer.live)
    assert [model["id"] for model in json.loads(printed)["data"]] == [route.model]


async def test_curl_gets_embeddings(world: World, gateway: GatewayProcess, run: Run) -> None:
    customer, _ = await world.serve(name="text-embedding-004")
    printed = await curl(run, "embeddings", base=gateway.base_url, key=customer.live)
    assert len(json.loads(printed)["data"][0]["embedding"]) == 1536


MODELS = ("claude-sonnet-4-5", "claude-opus-4-6")


@pytest.fixture(params=["anthropic", "openai-compatible"])
async def claude(request: pytest.FixtureRequest, world: World, provider: FakeProvider) -> str:
    """The key of a customer whose Claude models one provider serves."""
    upstream, customer = make_upstream(provider.base_url, provider=request.param), make_project()
    await world.apply(upstream, *(make_route(upstream, model=model) for model in MODELS), customer)
    return customer.live


async def test_curl_gets_a_message_a_count_and_a_completion(claude: str, gateway: GatewayProcess, run: Run) -> None:
    async def printed(name: str) -> Any:
        return json.loads(await curl(run, name, base=gateway.base_url, key=claude))

    message = await printed("messages")
    assert message["content"] == [{"type": "text", "text": "Hello! How can I help you today?"}]
    assert (await printed("count-tokens"))["input_tokens"] > 0
    assert (await printed("chat-claude"))["choices"][0]["message"]["content"] == "Hello! How can I help you today?"


@pytest.mark.parametrize("body", ["messages-stream", "messages-thinking"])
async def test_curl_gets_a_stream_of_messages(
    claude: str, gateway: GatewayProcess, run: Run, provider: FakeProvider, body: str
) -> None:
    command = (
        "curl", "-sN", f"{gateway.base_url}/v1/messages", "-H", f"x-api-key: {claude}",
        "-H", "anthropic-version: 2023-06-01", "-H", "content-type: application/json",
        "-d", f"@{DOCUMENTS / body}.json",
    )  # fmt: skip
    printed = await run(*command, env={"no_proxy": "*"})
    assert printed.startswith("event: message_start\n")
    assert printed.endswith('event: message_stop\ndata: {"type":"message_stop"}\n\n')
    sent = provider.requests[0].json
    assert ("thinking" in sent or "reasoning_effort" in sent) == (body == "messages-thinking")
