"""Programs that pages show are copied from the page and run against the gateway, as a visitor would."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from harness.chromium import OpenWindow
from harness.gateway import GatewayProcess
from harness.world import World
from havuz_gateway.surfaces.pages.snippets import KEY_VARIABLE

Run = Callable[..., "asyncio.Future[str]"]
FILES = {
    "curl": "program.sh",
    "python": "program.py",
    "anthropic": "program.py",
    "node": "program.mjs",
    "php": "program.php",
}
ANSWERED = "Say hello in five languages."


async def ran(program: str, kind: str, folder: Path, run: Run, env: dict[str, str]) -> str:
    """What a program prints."""
    runners = {"curl": "bash", "python": sys.executable, "anthropic": sys.executable, "node": "node", "php": "php"}
    place = folder / FILES[kind]
    place.write_text(program, encoding="utf-8")
    return await run(runners[kind], place, env=env, cwd=folder)


async def text_of(page: Page, selector: str) -> str:
    found = await page.text_content(selector)
    assert found is not None
    return found


@pytest.fixture
def folder(tmp_path: Path, node_project: Path, php: str) -> Path:
    (tmp_path / "node_modules").symlink_to(node_project / "node_modules")
    return tmp_path


async def test_every_program_of_the_quick_start_runs_as_it_stands(
    world: World, gateway: GatewayProcess, open_window: OpenWindow, folder: Path, run: Run
) -> None:
    customer, route = await world.serve()
    window = await open_window(gateway.base_url)
    await window.sign_in(customer.live)
    await window.open("/dashboard/start")
    assert customer.project.keys[0].masked in await text_of(window.page, "#export")
    for kind in FILES:
        program = await text_of(window.page, f"#program-{kind}")
        assert route.model in program
        assert customer.live not in program
        assert ANSWERED in await ran(program, kind, folder, run, {KEY_VARIABLE: customer.live}), kind


async def test_the_programs_of_a_product_for_one_protocol_speak_it(
    world: World, gateway: GatewayProcess, open_window: OpenWindow, folder: Path, run: Run
) -> None:
    customer, _ = await world.serve()
    only = customer.project.surface.model_copy(update={"protocols": ("anthropic",)})
    await world.apply(customer.project.model_copy(update={"surface": only}))
    window = await open_window(gateway.base_url)
    await window.sign_in(customer.live)
    await window.open("/dashboard/start")
    shown = await window.page.locator("[id^=program-]").evaluate_all("(all) => all.map((one) => one.id)")
    assert shown == ["program-curl", "program-anthropic"]
    for kind in ("curl", "anthropic"):
        program = await text_of(window.page, f"#program-{kind}")
        assert ANSWERED in await ran(program, kind, folder, run, {KEY_VARIABLE: customer.live}), kind


@pytest.mark.parametrize("said", ['It\'s a $100 "deal" \\ o/', "Merhaba dünya 🌍\n'; rm -rf x; echo '"])
async def test_what_was_set_in_the_playground_runs_as_code(
    world: World, gateway: GatewayProcess, open_window: OpenWindow, folder: Path, run: Run, said: str
) -> None:
    customer, _ = await world.serve()
    window = await open_window(gateway.base_url)
    await window.sign_in(customer.live)
    await window.open("/dashboard/playground")
    page = window.page
    await page.fill("#system", "Answer 'briefly'.")
    await page.fill("#temperature", "0.3")
    await page.fill("#said", said)
    await page.click("#show-code")
    await expect(page.locator("#program")).to_contain_text("curl")
    assert await window.complaints() == []
    await window.picture("playground-code")
    word = said.split()[0]
    for kind in ("curl", "python", "node"):
        await page.click(f'[data-program="{kind}"]')
        printed = await ran(await text_of(page, "#program"), kind, folder, run, {KEY_VARIABLE: customer.live})
        assert word.strip("'\"") in printed, kind
