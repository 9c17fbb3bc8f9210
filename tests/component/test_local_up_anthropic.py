"""`havuz up` and Anthropic's SDK and provider, as a user meets them."""

from typing import Any

import anthropic
import yaml

from harness.caller import calling
from harness.fake_provider import FakeProvider
from harness.local_up import Local


async def test_the_quick_start_answers_the_anthropic_sdk_without_any_provider_key(served: Local) -> None:
    environment = served.environment()
    async with anthropic.AsyncAnthropic(
        base_url=environment["ANTHROPIC_BASE_URL"], api_key=environment["ANTHROPIC_API_KEY"]
    ) as client:
        asked: Any = {"model": "claude-haiku-4-5", "messages": [{"role": "user", "content": "hi"}]}
        message = await client.messages.create(max_tokens=100, **asked)
        assert message.content
        assert (await client.messages.count_tokens(**asked)).input_tokens > 0
        assert "claude-haiku-4-5" in [model.id async for model in client.models.list()]


async def test_with_an_anthropic_key_both_protocols_reach_anthropic(local: Local, provider: FakeProvider) -> None:
    keys = local.manifests / "20-upstream-keys.yaml"
    documents = list(yaml.safe_load_all(keys.read_text()))
    next(one for one in documents if one["metadata"]["name"] == "anthropic")["spec"]["baseURL"] = provider.base_url
    keys.write_text(yaml.safe_dump_all(documents))
    await local.start(ANTHROPIC_API_KEY="sk-ant-from-the-environment")
    await local.printed("Ctrl-C stops")
    body = {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    async with calling(local.base_url, local.environment()["OPENAI_API_KEY"]) as caller:
        assert (await caller.post("/v1/messages", body)).status == 200
        assert (await caller.post("/v1/chat/completions", body)).status == 200
    assert [request.path for request in provider.requests] == ["/v1/messages", "/v1/messages"]
    assert {request.headers["x-api-key"] for request in provider.requests} == {"sk-ant-from-the-environment"}
