"""One list of conversations, had by every official SDK with every kind of provider: they agree on text, calls of tools,
thinking, the reason to stop, and usage."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import anthropic
import openai
import pytest
from google import genai

from harness.builders import make_project, make_route, make_target, make_upstream
from harness.conversations.providers import answer
from harness.conversations.scripts import CONVERSATIONS, Conversation, Said, Turn
from harness.conversations.sdks import ChatSpeaker, GoogleSpeaker, MessagesSpeaker, ResponsesSpeaker, Speaker
from harness.fake_provider import FakeProvider
from harness.fake_provider_answers import Answer, Received
from harness.gateway import GatewayProcess
from harness.world import World

Sdk = Literal["openai", "openai responses", "anthropic", "google"]
SDKS: tuple[Sdk, ...] = ("openai", "openai responses", "anthropic", "google")
MODELS = {
    "openai": "gpt-5-mini",
    "openai-compatible": "qwen3",
    "anthropic": "claude-sonnet-4-5",
    "gemini": "gemini-2.5-flash",
}
# the SDK of Google's derives from aiohttp's session, which aiohttp warns of
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")


@asynccontextmanager
async def speaking(sdk: Sdk, base_url: str, key: str, model: str, about: Conversation) -> AsyncIterator[Speaker]:
    """The SDK, ready for a conversation."""
    match sdk:
        case "openai" | "openai responses":
            kind = ChatSpeaker if sdk == "openai" else ResponsesSpeaker
            async with openai.AsyncOpenAI(base_url=f"{base_url}/v1", api_key=key, max_retries=0) as client:
                yield kind(client, model, about)
        case "anthropic":
            async with anthropic.AsyncAnthropic(base_url=base_url, api_key=key, max_retries=0) as messages:
                yield MessagesSpeaker(messages, model, about)
        case "google":
            google = genai.Client(api_key=key, http_options={"base_url": base_url})
            try:
                yield GoogleSpeaker(google, model, about)
            finally:
                await google.aio.aclose()


async def had(speaker: Speaker, about: Conversation, *, stream: bool) -> list[Said]:
    """The whole conversation, with the tool's reports."""
    told = []
    for turn in about.turns:
        told.append(await speaker.ask(stream=stream))
        if turn.cities:
            speaker.tell(turn.cities)
    return told


def expected(turn: Turn, *, thought: str) -> Said:
    return Said(turn.text, thought, turn.cities, turn.ending, turn.usage)


def texts_of(body: Any) -> str:
    """A request's body, in which facts are looked for. Google's SDK writes base64 for URLs, which Google reads too."""
    return json.dumps(body, ensure_ascii=False).replace("-", "+").replace("_", "/")


def lacking(body: Any, facts: tuple[str, ...]) -> list[str]:
    """The facts that a request does not hold, as they are or inside a text of JSON."""
    told = texts_of(body)
    forms = {fact: (texts_of(fact)[1:-1], fact.replace("-", "+").replace("_", "/")) for fact in facts}
    return [fact for fact, wordings in forms.items() if not any(words in told for words in wordings)]


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("about", CONVERSATIONS, ids=lambda about: about.name)
async def test_every_provider_says_the_same(
    world: World, gateway: GatewayProcess, provider: FakeProvider, about: Conversation, sdk: Sdk, stream: bool
) -> None:
    upstreams = {kind: make_upstream(provider.base_url, provider=kind) for kind in MODELS}
    routes = {kind: make_route(make_target(upstreams[kind], model=model)) for kind, model in MODELS.items()}
    customer = make_project()
    await world.apply(*upstreams.values(), *routes.values(), customer)
    for kind, route in routes.items():
        provider.requests.clear()
        provider.script(*(answering(turn) for turn in about.turns))
        async with speaking(sdk, gateway.base_url, customer.live, route.model, about) as speaker:
            told = await had(speaker, about, stream=stream)
        # OpenAI tells what it thinks in Responses only
        silent = kind == "openai" and sdk != "openai responses"
        assert told == [expected(turn, thought="" if silent else turn.thought) for turn in about.turns], kind
        assert lacking(provider.requests[-1].json, about.facts) == [], kind


def answering(turn: Turn) -> Any:
    def play(request: Received) -> Answer:
        return answer(turn, request)

    return play
