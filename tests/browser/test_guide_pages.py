"""Quick start and API reference, looked at by a browser in both languages, wide and narrow."""

import pytest

from harness.chromium import OpenWindow, Size
from harness.gateway import GatewayProcess
from harness.showcase import make_models, make_shop
from harness.world import World

MOST_WEIGHT = 150_000  # bytes
PATHS = ("/dashboard/start", "/dashboard/reference", "/dashboard/reference/chat", "/dashboard/reference/account")


@pytest.mark.parametrize("language", ["en", "tr"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
async def test_the_guide_is_light_readable_and_in_the_visitors_language(
    world: World, gateway: GatewayProcess, open_window: OpenWindow, language: str, size: Size
) -> None:
    shop = make_shop()
    await world.apply(*make_models(), shop)
    colours = "dark" if size == "phone" else "light"
    window = await open_window(gateway.base_url, language=language, size=size, color_scheme=colours)
    await window.sign_in(shop.live)
    for path in PATHS:
        await window.open(path)
        assert await window.page.get_attribute("html", "lang") == language
        assert await window.complaints() == []
        assert await window.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        assert window.weight < MOST_WEIGHT, path
        await window.picture(f"{path.removeprefix('/dashboard/').replace('/', '-')}-{language}-{size}")
