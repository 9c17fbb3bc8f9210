"""What is made on the first request is made once, and a gateway without such a request imports none of it."""

import asyncio
import subprocess
import sys

import pytest

from havuz_gateway.surfaces.deferred import Deferred

# What a gateway that has just started must not have imported, each with what it is for.
SPARED = {
    "opentelemetry.sdk": "traces and metrics to a collector",
    "jinja2": "pages",
    "havuz_gateway.surfaces.openapi.document": "the document of the API",
    "havuz_gateway.surfaces.pages.reference": "the page of that document",
    "yaml": "the file of sites",
    "obstore": "an object store",
    "havuz_gateway.processes.supervisor": "several workers",
    "havuz_gateway.commands": "the commands of havuz",
    "kubernetes": "the operator",
    "kopf": "the operator",
}


async def test_it_is_made_once_for_all_who_ask_at_a_time() -> None:
    made: list[int] = []
    deferred = Deferred(lambda: made.append(1) or "made")  # type: ignore[func-returns-value]

    assert await asyncio.gather(*(deferred.get() for _ in range(5))) == ["made"] * 5
    assert made == [1]


async def test_what_could_not_be_made_is_tried_again() -> None:
    attempts = iter([ValueError("not yet"), None])

    def make() -> str:
        error = next(attempts)
        if error is not None:
            raise error
        return "made"

    deferred = Deferred(make)
    with pytest.raises(ValueError, match="not yet"):
        await deferred.get()
    assert await deferred.get() == "made"


def test_a_gateway_that_starts_imports_none_of_what_few_requests_need() -> None:
    program = "from havuz_gateway.__main__ import main; main(); import sys; print('\\n'.join(sys.modules))"
    environment = {"HAVUZ_REDIS_URL": "redis://127.0.0.1:1/0"}  # refused after every import: it has no keys

    ended = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)

    imported = set(ended.stdout.splitlines())
    assert "encryption_keys is not set" in ended.stderr
    assert {"redis", "aiohttp", "havuz_gateway.surfaces.pages.app"} <= imported
    assert imported & SPARED.keys() == set()
