"""Python, Node and PHP programs of the users' documents, with only host and key changed."""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.client_programs import document
from harness.fake_provider import FakeProvider
from harness.gateway import GatewayProcess
from harness.world import World

Run = Callable[..., "asyncio.Future[str]"]
NO_PROXY = {"no_proxy": "*"}


@pytest.mark.parametrize(
    ("name", "model"), [("chat-sdk-python.txt", "gemini-2.0-flash"), ("deepseek-sdk-python.txt", "deepseek-chat")]
)
async def test_a_python_program_gets_an_answer_and_a_stream(
    world: World, gateway: GatewayProcess, run: Run, name: str, model: str
) -> None:
    customer, _ = await world.serve(name=model)
    text = document(name, base_url=gateway.base_url, key=customer.live)
    whole, streamed = (await run(sys.executable, "-c", text, env=NO_PROXY)).splitlines()
    assert ("liste" if "chat-sdk" in name else "Merhaba!") in whole
    assert ("Kısa" if "chat-sdk" in name else "Merhaba!") in streamed


@pytest.mark.parametrize(
    ("name", "model"), [("chat-sdk-node.txt", "gemini-2.0-flash"), ("deepseek-sdk-node.txt", "deepseek-chat")]
)
async def test_a_node_program_gets_an_answer(
    world: World, gateway: GatewayProcess, node_project: Path, tmp_path: Path, run: Run, name: str, model: str
) -> None:
    customer, _ = await world.serve(name=model)
    (tmp_path / "node_modules").symlink_to(node_project / "node_modules")
    program = tmp_path / "program.mjs"
    program.write_text(document(name, base_url=gateway.base_url, key=customer.live))
    assert "Merhaba" in await run("node", program, env=NO_PROXY, cwd=tmp_path)


@pytest.mark.parametrize("kind", ["live", "test"])
async def test_a_php_program_gets_an_answer(
    world: World, gateway: GatewayProcess, php: str, tmp_path: Path, run: Run, kind: str
) -> None:
    customer, _ = await world.serve(name="gemini-2.0-flash")
    key = customer.live if kind == "live" else customer.test
    program = tmp_path / "chat.php"
    program.write_text(document("chat.php", base_url=gateway.base_url, key=key))
    assert "Merhaba!" in await run(php, program, env=NO_PROXY)


def with_data(program: str, data: str) -> str:
    """The program with its `data` replaced, as the document says that it can be."""
    start = program.index("$data = [" if "$data = [" in program else "data = {")
    end = program.index("\n\n", start)
    return f"{program[:start]}{data}{program[end:]}"


@pytest.mark.parametrize("with_picture", [False, True], ids=["text", "picture"])
async def test_a_python_program_gets_a_stream_of_lines(
    world: World, gateway: GatewayProcess, provider: FakeProvider, run: Run, with_picture: bool
) -> None:
    customer, _ = await world.serve(provider.base_url, name="gpt-4o-mini")
    program = document("chat-requests-python.txt", base_url=gateway.base_url, key=customer.live)
    if with_picture:
        program = with_data(program, document("chat-image-data-python.txt", base_url="", key=""))
    lines = [line for line in (await run(sys.executable, "-c", program, env=NO_PROXY)).splitlines() if line]
    assert lines[: len(lines) // 2] == lines[len(lines) // 2 :]  # it prints all of it, then line by line
    assert_streamed(lines[: len(lines) // 2])
    assert_asked(provider, with_picture=with_picture)


@pytest.mark.parametrize("with_picture", [False, True], ids=["text", "picture"])
async def test_a_php_program_gets_a_stream(
    world: World, gateway: GatewayProcess, provider: FakeProvider, php: str, tmp_path: Path, run: Run,
    with_picture: bool,
) -> None:  # fmt: skip
    customer, _ = await world.serve(provider.base_url, name="gpt-4o-mini")
    text = document("chat-stream.php", base_url=gateway.base_url, key=customer.live)
    if with_picture:
        text = with_data(text, document("chat-image-data.php", base_url="", key=""))
    program = tmp_path / "stream.php"
    program.write_text(text)
    # as a web server runs it, where `ob_flush` has something to flush
    printed = await run(php, "-d", "output_buffering=4096", program, env=NO_PROXY)
    assert_streamed([line for line in printed.splitlines() if line])
    assert_asked(provider, with_picture=with_picture)


def assert_streamed(lines: list[str]) -> None:
    *chunks, done = [line.removeprefix("data: ") for line in lines]
    assert done == "[DONE]"
    assert json.loads(chunks[-1])["usage"]["total_tokens"] > 0
    assert {json.loads(chunk)["object"] for chunk in chunks} == {"chat.completion.chunk"}


def assert_asked(provider: FakeProvider, *, with_picture: bool) -> None:
    asked = provider.requests[0].json
    last = asked["messages"][-1]["content"]
    if with_picture:
        assert last[1]["image_url"] == {"url": "https://example.com/image.jpg", "detail": "auto"}
        assert (asked["temperature"], asked["max_completion_tokens"]) == (0.7, 300)
    else:
        assert last == "What's the largest U.S. state by area?"
