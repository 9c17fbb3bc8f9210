"""The playground in a real browser: an answer that streams, is stopped, fails or is drawn, and is shown as code."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import expect

from harness.chromium import OpenWindow, Size, Window
from harness.fake_provider import Json, Stream, error
from harness.gateway import GatewayProcess
from harness.paying import PER_TOKEN, Paying, paying
from harness.world import World
from havuz_contract.snapshot.models import Mode, Parameters
from havuz_gateway.providers.mock.picture import draw

MOST_SHIFT = 0.02  # of the screen; 0.1 counts as good
MOST_WEIGHT = 150_000  # bytes
THINKS = {"think": Mode(parameters=Parameters(overrides={"reasoning_effort": "high"}))}
PASTE = """(bytes) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], "pasted.png", { type: "image/png" }));
  const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  document.getElementById("said").dispatchEvent(event);
}"""
SAID = ("Ankara ", "is the ", "capital <b>of</b> ", "Türkiye.")
WORDS = {
    "en": {"tokens": "9 tokens in, 4 out", "cost": r"Cost: \$0\.00\d+", "first": r"First words after \d+\.\d\d s"},
    "tr": {"tokens": "9 token girdi, 4 çıktı", "cost": r"Ücret: \$0,00\d+", "first": r"İlk sözcük \d+,\d\d sn"},
}


def event(delta: dict[str, Any]) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}  # fmt: skip


@asynccontextmanager
async def playing(
    world: World, gateway: GatewayProcess, open_window: OpenWindow, **named: Any
) -> AsyncIterator[tuple[Window, Paying]]:
    """A customer in the playground, whose one model thinks and draws."""
    route = {"operations": frozenset({"chat", "image"}), "modes": THINKS}
    price = PER_TOKEN.model_copy(update={"input": 10**11, "output": 10**11, "per_image": 10**7})
    async with paying(world, gateway, route=route, prices=(price,)) as pool:
        window = await open_window(gateway.base_url, **named)
        await window.sign_in(pool.customer.live)
        await window.open("/dashboard/playground")
        yield window, pool


async def say(window: Window, text: str) -> None:
    await window.page.fill("#said", text)
    await window.page.press("#said", "Control+Enter")


def forgive_refusals(window: Window) -> None:
    """Chromium itself notes every answer that is an error."""
    window.console = [line for line in window.console if not line.startswith("Failed to load resource")]


@pytest.mark.parametrize("language", ["en", "tr"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
async def test_an_answer_streams_and_tells_what_it_took(
    world: World, gateway: GatewayProcess, open_window: OpenWindow, language: str, size: Size
) -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
    look = {"language": language, "size": size, "color_scheme": "dark" if size == "phone" else "light"}
    async with playing(world, gateway, open_window, **look) as (window, pool):
        page = window.page
        assert window.weight < MOST_WEIGHT
        thoughts = [event({"role": "assistant", "reasoning_content": piece}) for piece in ("The user ", "asks.")]
        pool.provider.script(Stream(pieces=(*thoughts, *SAID), usage=usage, pace=0.05))
        await page.fill("#system", "Be brief.")
        await page.fill("#temperature", "0.5")
        await page.fill("#max-tokens", "200")
        await page.select_option("#effort", "think")
        await say(window, "What is the capital?")
        answer = page.locator(".turn").last
        words = WORDS[language]
        await expect(answer.locator(".turn-figures")).to_contain_text(words["tokens"])
        await expect(answer.locator(".turn-figures")).to_contain_text(re.compile(words["cost"]))
        await expect(answer.locator(".turn-figures")).to_contain_text(re.compile(words["first"]))
        await expect(answer.locator("> .turn-text")).to_have_text("".join(SAID))
        await expect(answer.locator("details .turn-text")).to_have_text("The user asks.")
        sent = pool.provider.requests[0].json
        assert (sent["temperature"], sent["max_tokens"], sent["reasoning_effort"]) == (0.5, 200, "high")
        assert [message["role"] for message in sent["messages"]] == ["system", "user"]
        assert await window.shifted() < MOST_SHIFT
        assert await window.complaints() == []
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        await window.picture(f"playground-{language}-{size}")
        await say(window, "And its population?")
        await expect(page.locator(".turn")).to_have_count(4)
        await expect(page.locator("#send")).to_be_enabled()
        again = pool.provider.requests[1].json["messages"]
        assert [message["role"] for message in again] == ["system", "user", "assistant", "user"]
        assert again[2]["content"] == "".join(SAID)
        kept = await page.evaluate("JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}])")
        assert pool.customer.live not in await page.content() + kept
        assert len(await pool.closed(2)) == 2


async def test_escape_stops_an_answer_at_the_provider_too(
    world: World, gateway: GatewayProcess, open_window: OpenWindow
) -> None:
    async with playing(world, gateway, open_window) as (window, pool):
        page = window.page
        pool.provider.script(Stream(pieces=["word "] * 200, pace=0.1))
        await say(window, "Go on and on.")
        await expect(page.locator(".turn").last.locator("> .turn-text")).to_contain_text("word word")
        await expect(page.locator("#stop")).to_be_enabled()
        await page.keyboard.press("Escape")
        await expect(page.locator(".turn").last.locator(".turn-figures")).to_contain_text("Stopped")
        await expect(page.locator("#send")).to_be_enabled()
        (event,) = await pool.closed(1)
        assert event["status"] == "cancelled"


@pytest.mark.parametrize(
    ("language", "advice"), [("en", "Wait a moment, then send it again"), ("tr", "Biraz bekleyip yeniden gönderin")]
)
async def test_a_refusal_says_what_to_do_and_loses_nothing(
    world: World, gateway: GatewayProcess, open_window: OpenWindow, language: str, advice: str
) -> None:
    async with playing(world, gateway, open_window, language=language) as (window, pool):
        page = window.page
        pool.provider.always(error(429, "slow down", headers={"retry-after": "30"}))
        await say(window, "Hello?")
        await expect(page.locator(".turn .notice.bad")).to_contain_text(advice)
        assert await window.complaints() == []
        await window.picture(f"playground-refused-{language}")
        await page.fill("#max-tokens", "100000000")
        await say(window, "Too dear?")
        await expect(page.locator(".turn .notice.bad").last).to_contain_text("may cost up to")
        forgive_refusals(window)


async def test_a_stream_that_breaks_off_is_not_taken_for_whole(
    world: World, gateway: GatewayProcess, open_window: OpenWindow
) -> None:
    async with playing(world, gateway, open_window) as (window, pool):
        pool.provider.script(Stream(pieces=("half of ",), finish=False, done=False))
        await say(window, "Hello?")
        answer = window.page.locator(".turn").last
        await expect(answer.locator(".notice.bad")).to_contain_text("The answer broke off")
        await expect(answer.locator("> .turn-text")).to_have_text("half of ")


async def test_a_picture_goes_along_and_another_is_drawn(
    world: World, gateway: GatewayProcess, open_window: OpenWindow
) -> None:
    async with playing(world, gateway, open_window) as (window, pool):
        page = window.page
        await page.set_input_files(
            "#picture", {"name": "fox.png", "mimeType": "image/png", "buffer": draw(64, 64, "5f0c2a7d" * 8)}
        )
        await page.evaluate(PASTE, list(draw(32, 32, "90b1e384" * 8)))
        await expect(page.locator("#attached img")).to_have_count(2)
        await page.click("#attached li:last-child button")
        await expect(page.locator("#attached img")).to_have_count(1)
        await say(window, "What is this?")
        await expect(page.locator("#send")).to_be_enabled()
        parts = pool.provider.requests[0].json["messages"][0]["content"]
        assert [part["type"] for part in parts] == ["text", "image_url"]
        assert parts[1]["image_url"]["url"].startswith("data:image/png;base64,")
        body = {"created": 1, "data": [{"b64_json": parts[1]["image_url"]["url"].partition(",")[2]}]}
        pool.provider.script(Json(body=body))
        await page.check('input[name="kind"][value="draw"]')
        await say(window, "A red fox")
        answer = page.locator(".turn").last
        await expect(answer.locator("img")).to_have_js_property("complete", value=True)
        await expect(answer.locator(".turn-figures")).to_contain_text(re.compile(r"Cost: 0\.\d+ USD"))
        assert await answer.locator("img").evaluate("(image) => image.naturalWidth > 0")
        assert pool.provider.requests[1].json["prompt"] == "A red fox"
        assert await window.complaints() == []
        await window.picture("playground-picture")


async def test_without_a_model_the_playground_says_whom_to_ask(
    world: World, gateway: GatewayProcess, open_window: OpenWindow
) -> None:
    async with paying(world, gateway, route={"operations": frozenset({"embeddings"})}) as pool:
        window = await open_window(gateway.base_url)
        await window.sign_in(pool.customer.live)
        await window.open("/dashboard/playground")
        await expect(window.page.locator("main h2")).to_have_text("There is no model to try")
        assert json.dumps(pool.customer.live) not in await window.page.content()
