"""A whole visit of the pages in a real browser: in both languages, wide and narrow, with and without scripts."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator

import pytest

from harness.builders import Customer
from harness.caller import calling
from harness.chromium import OpenWindow, Size, Window
from harness.fixtures import publish_nothing
from harness.gateway import GatewayProcess
from harness.showcase import give_history, make_models, make_shop
from harness.tasks import ended, order, studio
from harness.valkey import ValkeyServer
from harness.world import World
from havuz_contract.accounts import apply_credits
from havuz_contract.key_requests import KeyAnswer, KeyRequests
from havuz_contract.money import NANOS_PER_UNIT
from havuz_contract.snapshot.envelope import Keyring

MOST_WEIGHT = 150_000  # bytes
PATHS = ("", "/keys", "/usage", "/usage?kind=images&by=model", "/models", "/pictures", "/account")
TITLES = {"en": "Sign in", "tr": "Giriş yap"}
SITES = {
    "default": {
        "name": "Example AI",
        "links": {"topUp": "https://example.com/buy", "support": "mailto:help@example.com"},
    }
}


@pytest.fixture(scope="module")
def valkey(encryption_keys: str) -> Iterator[ValkeyServer]:
    """A server of this file's own: a gateway on the shared one would do what is ordered here."""
    with ValkeyServer() as server:
        asyncio.run(publish_nothing(server, encryption_keys))
        yield server


@pytest.fixture(scope="module")
def drawing(
    valkey: ValkeyServer, encryption_keys: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    folder = tmp_path_factory.mktemp("files")
    sites = folder / "sites.yaml"
    sites.write_text(json.dumps(SITES))
    with studio(valkey.url, encryption_keys, folder, pages_sites_file=str(sites)) as gateway:
        yield gateway


@pytest.fixture
async def shop_world(valkey: ValkeyServer, drawing: GatewayProcess, encryption_keys: str) -> AsyncIterator[World]:
    async with World(redis_url=valkey.url, encryption_keys=encryption_keys, gateways=[drawing]) as world:
        yield world


@pytest.fixture
async def shop(shop_world: World, drawing: GatewayProcess) -> Customer:
    made = make_shop()
    await shop_world.apply(*make_models(), made)
    await give_history(shop_world, made.project)
    async with calling(drawing.base_url, made.test) as caller:
        for prompt in ("A red bicycle leaning on a yellow wall", "The harbour in the fog, watercolour"):
            await ended(caller, await order(caller, prompt=prompt))
    return made


@pytest.mark.parametrize("language", ["en", "tr"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
async def test_every_page_is_readable_light_and_in_the_visitors_language(
    drawing: GatewayProcess, shop: Customer, open_window: OpenWindow, language: str, size: Size
) -> None:
    dark = size == "phone"
    more = {"color_scheme": "dark" if dark else "light"}
    window = await open_window(drawing.base_url, language=language, size=size, **more)
    await window.open("/dashboard")
    assert TITLES[language] in await window.page.title()
    await _is_well_made(window, f"sign-in-{language}-{size}")
    await window.sign_in(shop.live)
    for path in PATHS:
        await window.open(f"/dashboard{path}")
        assert await window.page.get_attribute("html", "lang") == language
        name = re.sub(r"\W+", "-", path.strip("/")) or "overview"
        await _is_well_made(window, f"{name}-{language}-{size}")
    await window.open("/dashboard/pictures")
    await window.page.click(".picture-link >> nth=0")
    await _is_well_made(window, f"picture-{language}-{size}")
    if size == "phone":
        await window.page.click(".bar-menu summary")
        await _is_well_made(window, f"menu-{language}-{size}")
    await window.page.click(".who button >> visible=true")
    await window.page.wait_for_url("**/sign-in")
    await window.open("/dashboard/keys")
    assert "/sign-in" in window.page.url


async def test_a_credit_that_arrives_shows_without_a_reload(
    shop_world: World, drawing: GatewayProcess, shop: Customer, open_window: OpenWindow
) -> None:
    window = await open_window(drawing.base_url)
    await window.sign_in(shop.live)
    balance = window.page.locator("[data-shown=available]")
    before = await balance.text_content()
    billing = shop.project.billing
    more = billing.model_copy(update={"credits": {**billing.credits, "more": 1_000 * NANOS_PER_UNIT}})
    await apply_credits(shop_world.redis, [shop.project.model_copy(update={"billing": more})], now=2.0)
    await window.page.wait_for_function(
        "before => document.querySelector('[data-shown=available]').textContent !== before", arg=before
    )
    assert (await balance.text_content() or "").startswith("$1,0")


async def test_a_key_is_reset_with_the_keyboard_alone_and_shown_once(
    shop_world: World, drawing: GatewayProcess, shop: Customer, open_window: OpenWindow, encryption_keys: str
) -> None:
    window = await open_window(drawing.base_url)
    await window.sign_in(shop.live)
    page = window.page
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip"
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main"
    await window.open("/dashboard/keys")
    await page.focus("text=Reset live")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/reset")
    await window.picture("reset-en-desktop")
    assert await window.complaints() == []
    await page.focus("text=Reset it")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/requests/*")
    requests = KeyRequests(shop_world.redis, Keyring.parse(encryption_keys))
    [asked] = await requests.pending()
    await requests.answer(asked, KeyAnswer("Done", "Key 'live' was reset.", "pk_live_shown_once_0815"))
    await page.wait_for_selector("#new-key", timeout=15_000)
    assert await page.input_value("#new-key") == "pk_live_shown_once_0815"
    await _is_well_made(window, "new-key-en-desktop")
    await page.reload()
    assert "pk_live_shown_once" not in await page.content()


@pytest.mark.parametrize("size", ["desktop", "phone"])
async def test_pages_work_without_scripts(
    drawing: GatewayProcess, shop: Customer, open_window: OpenWindow, size: Size
) -> None:
    window = await open_window(drawing.base_url, size=size, java_script_enabled=False)
    await window.sign_in(shop.live)
    assert "$" in (await window.page.text_content("[data-shown=available]") or "")
    await window.page.goto(f"{drawing.base_url}/dashboard/usage")
    await window.page.fill("#from", "2026-01-01")
    await window.page.click("text=Türkçe >> visible=true" if size == "desktop" else "summary")
    assert await window.page.locator("nav a >> visible=true").count() >= len(PATHS) - 1


async def test_a_wrong_key_is_told_so_and_may_be_tried_again(
    drawing: GatewayProcess, shop: Customer, open_window: OpenWindow
) -> None:
    window = await open_window(drawing.base_url)
    await window.open("/dashboard/sign-in")
    await window.page.fill("#key", "pk_live_mistyped")
    await window.page.press("#key", "Enter")
    await window.page.wait_for_selector("[role=alert]")
    await _is_well_made(window, "wrong-key-en-desktop")
    assert "pk_live_mistyped" not in await window.page.content()
    [told] = window.console  # browsers note every status of an error
    assert "403" in told
    window.console.clear()
    await window.sign_in(shop.live)


async def _is_well_made(window: Window, name: str) -> None:
    """No complaint of axe, nothing beside the screen, nothing heavy, nothing that moved; and its picture is kept."""
    await window.picture(name)
    assert await window.complaints() == [], name
    assert await window.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
    assert window.weight < MOST_WEIGHT, name
    assert await window.shifted() < 0.01, name
