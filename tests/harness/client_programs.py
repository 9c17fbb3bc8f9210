"""Programs that call a gateway as its users do: Node.js with the official SDK, PHP's cURL.

A client that this machine lacks is a skip that says so, and a failure where `HAVUZ_REQUIRE_CLIENTS=1`.
"""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

import pytest

from harness import npm

_PROGRAMS = Path(__file__).parents[1] / "clients"
_INSTALL_SECONDS = 100
_HOST = "https://api.example.com"
_KEYS = ("pk_live_your_api_key", "sk-your-api-key", "YOUR_API_KEY")  # as the documents write their readers' keys


def document(name: str, *, base_url: str, key: str) -> str:
    """A program of the users' documents, with only its host and key changed."""
    text = (_PROGRAMS / "documents" / name).read_text()
    for written in _KEYS:
        text = text.replace(written, key)
    return text.replace(_HOST, base_url)


def lacking(what: str, install: str) -> NoReturn:
    """This machine has no such client: skip, or fail where every client is required."""
    sentence = f"{what} is not installed: {install}"
    if os.environ.get("HAVUZ_REQUIRE_CLIENTS") == "1":
        pytest.fail(sentence)
    pytest.skip(sentence)


@pytest.fixture(scope="session")
def php() -> str:
    """The PHP that has cURL."""
    path = shutil.which("php")
    if path is None:
        lacking("PHP", "apt-get install php-cli php-curl")
    modules = subprocess.run([path, "-m"], capture_output=True, text=True, check=True).stdout
    if "curl" not in modules.split():
        lacking("PHP's cURL", "apt-get install php-curl")
    return path


def npm_folder(source: Path, *, seconds: float = _INSTALL_SECONDS) -> Path:
    """A folder with the packages that the lock file of `source` names, outside the checkout, made once per lock."""
    try:
        return npm.installed(source, seconds=seconds, name=source.parent.name)
    except npm.NotInstalled as error:
        lacking("a package for Node", str(error))


@pytest.fixture(scope="session")
def node_project() -> Path:
    """A folder with the official SDK for Node."""
    return npm_folder(_PROGRAMS / "node")


@pytest.fixture
def run() -> Callable[..., "asyncio.Future[str]"]:
    """Runs a program beside the event loop and returns what it printed; a failure shows what it complained of."""

    def start(*command: str | Path, env: Mapping[str, str], cwd: Path | None = None) -> "asyncio.Future[str]":
        return asyncio.ensure_future(_run(command, env, cwd))

    return start


async def _run(command: tuple[str | Path, ...], env: Mapping[str, str], cwd: Path | None) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, **env},
        cwd=cwd,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode() or out.decode()
    return out.decode()
