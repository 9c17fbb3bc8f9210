"""A real browser on the pages: Debian's Chromium, driven by Playwright, which sees all that a page should not do.

https://playwright.dev/python/docs/api/class-page. Without Chromium a test is a skip that says so.
"""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, async_playwright

from harness.client_programs import lacking, npm_folder

Size = Literal["desktop", "phone"]
SIZES: dict[Size, dict[str, int]] = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
LANGUAGES = {"en": "en-US", "tr": "tr-TR"}
_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
_AXE = Path(__file__).parents[1] / "browser" / "node"
_WATCH_SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
_FOLDER = os.environ.get("HAVUZ_SCREENSHOTS")


@dataclass(slots=True)
class Window:
    """One page of one visitor. `console` is what it complained of, `strangers` what it asked of other origins."""

    page: Page
    base_url: str
    axe: str
    console: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    weight: int = 0  # bytes of bodies since the last `open`

    async def sign_in(self, key: str) -> None:
        """Through the form, as a person does."""
        await self.page.goto(f"{self.base_url}/dashboard/sign-in")
        await self.page.fill("#key", key)
        await self.page.press("#key", "Enter")
        await self.page.wait_for_url(f"{self.base_url}/dashboard")

    async def open(self, path: str) -> None:
        """A page of ours, loaded to its end."""
        self.weight = 0
        await self.page.goto(self.base_url + path, wait_until="networkidle")

    async def complaints(self) -> list[str]:
        """What axe finds wrong with the page as it is now."""
        await self.page.evaluate(self.axe)  # by the debugger: the page's policy lets no stranger's script in
        found = await self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']}: {node['target']} {node['failureSummary']}"
            for one in found["violations"]
            for node in one["nodes"]
        ]

    async def shifted(self) -> float:
        """How much the page has moved under its reader: https://web.dev/articles/cls."""
        moved = await self.page.evaluate("window.shifted")
        return float(moved)

    async def picture(self, name: str) -> None:
        """Keep a screenshot where `HAVUZ_SCREENSHOTS` says, of the whole page."""
        if _FOLDER:
            Path(_FOLDER).mkdir(parents=True, exist_ok=True)
            await self.page.screenshot(path=f"{_FOLDER}/{name}.png", full_page=True, animations="disabled")


OpenWindow = Callable[..., Awaitable[Window]]


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    return found or lacking("Chromium", "apt-get install chromium")


@pytest.fixture(scope="session")
def axe() -> str:
    """The text of axe-core: https://github.com/dequelabs/axe-core."""
    return (npm_folder(_AXE) / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
async def open_window(chromium: str, axe: str) -> AsyncIterator[OpenWindow]:
    """Opens windows: `await open_window(base_url, language="tr", size="phone")`. Nothing may go wrong in one."""
    async with AsyncExitStack() as stack:
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(_FLAGS))
        stack.push_async_callback(browser.close)
        opened: list[Window] = []

        async def open_one(base_url: str, *, language: str = "en", size: Size = "desktop", **more: Any) -> Window:
            window = await stack.enter_async_context(_window(browser, base_url, axe, language, size, more))
            opened.append(window)
            return window

        yield open_one
        for window in opened:
            assert window.console == []
            assert window.strangers == []


@asynccontextmanager
async def _window(
    browser: Browser, base_url: str, axe: str, language: str, size: Size, more: dict[str, Any]
) -> AsyncIterator[Window]:
    context = await browser.new_context(viewport=SIZES[size], locale=LANGUAGES[language], **more)  # type: ignore[arg-type]
    await context.add_init_script(_WATCH_SHIFTS)
    page = await context.new_page()
    window = Window(page, base_url, axe)
    page.on("console", lambda message: window.console.append(message.text))
    page.on("pageerror", lambda error: window.console.append(str(error)))
    page.on("request", lambda request: _note_stranger(window, request.url))
    page.on("response", lambda response: _note_weight(window, response.headers.get("content-length", "0")))
    try:
        yield window
    finally:
        await context.close()


def _note_stranger(window: Window, url: str) -> None:
    if not url.startswith("data:") and urlsplit(url).netloc != urlsplit(window.base_url).netloc:
        window.strangers.append(url)


def _note_weight(window: Window, length: str) -> None:
    window.weight += int(length)
