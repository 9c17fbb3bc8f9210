"""Pictures ordered by the programs of the users' documents, with only host, key and number changed."""

import asyncio
import json
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.gateway import GatewayProcess
from harness.paying import Paying, paying
from harness.tasks import PRICES, ROUTE, drawn
from harness.workshop import studio_alone
from harness.world import World

CLIENTS = Path(__file__).parent
Run = Callable[..., "asyncio.Future[str]"]


@pytest.fixture(scope="module")
def drawing(encryption_keys: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GatewayProcess, str]]:
    with studio_alone(encryption_keys, tmp_path_factory.mktemp("files")) as made:
        yield made


@pytest.fixture
async def customer(drawing: tuple[GatewayProcess, str], encryption_keys: str) -> AsyncIterator[Paying]:
    gateway, url = drawing
    route: dict[str, Any] = {**ROUTE, "aliases": ("realvision",)}
    async with (
        World(redis_url=url, encryption_keys=encryption_keys, gateways=[gateway]) as world,
        paying(world, gateway, prices=PRICES, route=route) as made,
    ):
        made.provider.always(drawn())
        yield made


def program(name: str, gateway: GatewayProcess, customer: Paying, **changed: str) -> str:
    """A document's program, with what its reader has to put in."""
    text = (CLIENTS / "documents" / name).read_text()
    known = {"https://api.example.com": gateway.base_url, "YOUR_API_KEY": customer.customer.live}
    for written, meant in {**known, **changed}.items():
        text = text.replace(written, meant)
    return text


async def asked(run: Run, line: str, *, until: str) -> dict[str, Any]:
    """What a line prints, once it is about something that has ended so."""
    deadline = time.monotonic() + 30
    while until not in (printed := await run("sh", "-c", line, env={"no_proxy": "*"})):
        assert time.monotonic() < deadline, printed
        await asyncio.sleep(0.1)
    told = json.loads(printed)
    assert isinstance(told, dict)
    return told


async def test_curl_orders_a_picture_and_asks_for_it(
    customer: Paying, drawing: tuple[GatewayProcess, str], run: Run
) -> None:
    assert shutil.which("curl"), "curl is not installed: apt-get install curl"
    gateway, _ = drawing
    printed = await run("sh", "-c", program("generate.sh", gateway, customer), env={"no_proxy": "*"})
    data = json.loads(printed)["data"]
    assert data["status"] == "IN_PROGRESS"
    line = program("status.sh", gateway, customer, n36abc123def456gptimg=data["task_id"])
    told = await asked(run, line, until="SUCCESS")
    assert len(told["data"]["response"]) == 1


@pytest.mark.parametrize("language", ["python", "php"])
async def test_a_program_orders_a_picture_and_curl_asks_for_it(
    customer: Paying, drawing: tuple[GatewayProcess, str], run: Run, request: pytest.FixtureRequest, language: str
) -> None:
    gateway, _ = drawing
    if language == "php":
        environment = {"BASE": gateway.base_url, "KEY": customer.customer.live}
        printed = await run(request.getfixturevalue("php"), CLIENTS / "php/texttoimage.php", env=environment)
    else:
        printed = await run(
            sys.executable, "-c", program("texttoimage-python.txt", gateway, customer), env={"no_proxy": "*"}
        )
    ordered = json.loads(printed)
    assert ordered["status"] == "success"
    changed = {"12345678": str(ordered["jobid"]), "abcxyz123": ordered["signature"]}
    told = await asked(run, program("texttoimage-jobs.sh", gateway, customer, **changed), until="image_url")
    while told["status"] in ("pending", "processing"):
        told = await asked(run, program("texttoimage-jobs.sh", gateway, customer, **changed), until="image_url")
    assert (told["status"], told["message"]) == ("success", "success")
    assert told["image_url"].startswith(f"{gateway.base_url}/files/")
