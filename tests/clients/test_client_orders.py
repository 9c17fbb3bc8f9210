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

from harness.client_programs import document
from harness.gateway import GatewayProcess
from harness.paying import Paying, paying
from harness.strange_server import StrangeServer, picture
from harness.tasks import PRICES, ROUTE, drawn, ended
from harness.workshop import studio_alone
from harness.world import World

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
    printed = await run(
        "sh",
        "-c",
        document("generate.sh", base_url=gateway.base_url, key=customer.customer.live),
        env={"no_proxy": "*"},
    )
    data = json.loads(printed)["data"]
    assert data["status"] == "IN_PROGRESS"
    line = document("status.sh", base_url=gateway.base_url, key=customer.customer.live)
    told = await asked(run, line.replace("n36abc123def456gptimg", data["task_id"]), until="SUCCESS")
    assert len(told["data"]["response"]) == 1


async def test_a_picture_is_changed_by_the_documented_body(
    customer: Paying, drawing: tuple[GatewayProcess, str]
) -> None:
    gateway, _ = drawing
    async with StrangeServer() as web:
        web.answers["/landscape.jpg"] = picture()
        text = document("generate-edit.json", base_url=gateway.base_url, key="")
        body = json.loads(text.replace("https://example.com", web.url("")))
        reply = await customer.caller.post("/api/generate", body)
        assert (await ended(customer.caller, reply.json["data"]["task_id"]))["status"] == "SUCCESS"
    sent = customer.provider.requests[0]
    assert (sent.path, sent.json["input_fidelity"]) == ("/v1/images/edits", "high")


@pytest.mark.parametrize("language", ["python", "php"])
async def test_a_program_orders_a_picture_and_curl_asks_for_it(
    customer: Paying, drawing: tuple[GatewayProcess, str], run: Run, request: pytest.FixtureRequest, tmp_path: Path,
    language: str,
) -> None:  # fmt: skip
    base_url, key = drawing[0].base_url, customer.customer.live
    if language == "php":
        program = tmp_path / "texttoimage.php"
        program.write_text(document("texttoimage.php", base_url=base_url, key=key))
        printed = await run(request.getfixturevalue("php"), program, env={"no_proxy": "*"})
    else:
        text = document("texttoimage-python.txt", base_url=base_url, key=key)
        printed = await run(sys.executable, "-c", text, env={"no_proxy": "*"})
    ordered = json.loads(printed)
    assert ordered["status"] == "success"
    line = document("texttoimage-jobs.sh", base_url=base_url, key=key)
    line = line.replace("12345678", str(ordered["jobid"])).replace("abcxyz123", ordered["signature"])
    told = await asked(run, line, until="image_url")
    while told["status"] in ("pending", "processing"):
        told = await asked(run, line, until="image_url")
    assert (told["status"], told["message"]) == ("success", "success")
    assert told["image_url"].startswith(f"{base_url}/files/")
