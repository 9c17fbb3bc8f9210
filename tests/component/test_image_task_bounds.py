"""The bounds of `POST /api/generate`: the last value that is taken, and the first that is not."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from harness.caller import calling
from harness.gateway import GatewayProcess
from harness.paying import Paying, paying
from harness.strange_server import StrangeServer, picture
from harness.tasks import PRICES, ROUTE, drawn, ended, order
from harness.workshop import studio_alone
from harness.world import World

PROMPT = {"prompt": "a red fox"}


def long_url(length: int) -> str:
    """A URL of so many characters whose name leads nowhere."""
    start = "https://nowhere.invalid/"
    return start + "a" * (length - len(start))


@pytest.fixture(scope="module")
def drawing(encryption_keys: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GatewayProcess, str]]:
    with studio_alone(encryption_keys, tmp_path_factory.mktemp("files")) as made:
        yield made


@pytest.fixture
async def customer(drawing: tuple[GatewayProcess, str], encryption_keys: str) -> AsyncIterator[Paying]:
    gateway, url = drawing
    async with (
        World(redis_url=url, encryption_keys=encryption_keys, gateways=[gateway]) as world,
        paying(world, gateway, prices=PRICES, route=ROUTE) as made,
    ):
        yield made


@pytest.mark.parametrize("fidelity", ["low", "high"])
async def test_sixteen_pictures_may_be_changed(customer: Paying, fidelity: str) -> None:
    customer.provider.script(drawn())
    async with StrangeServer() as web:
        web.answers["/fox.png"] = picture()
        urls = [web.url("/fox.png")] * 16
        data = await ended(customer.caller, await order(customer.caller, images=urls, input_fidelity=fidelity))
    assert data["status"] == "SUCCESS"
    sent = customer.provider.requests[0].json
    assert (len(sent["images"]), sent["input_fidelity"]) == (16, fidelity)


@pytest.mark.parametrize(
    ("fields", "headers", "told"),
    [
        ({"callback_url": long_url(8_192)}, {}, None),
        ({"callback_url": long_url(8_193)}, {}, "8192 at most"),
        ({"callback_url": "https://nowhere.invalid:1024/"}, {}, None),
        ({"callback_url": "https://example.com:1023/"}, {}, "port 1023"),
        ({"callback_url": "https://nowhere.invalid:65535/"}, {}, None),
        ({}, {"idempotency-key": "k" * 255}, None),
        ({}, {"idempotency-key": "k" * 256}, "1 to 255"),
        ({"prompt": "x"}, {}, None),
        ({"prompt": "ş" * 2_000}, {}, None),
        ({"prompt": "ş" * 2_001}, {}, "at most 2000 characters"),
    ],
    ids=["url 8192", "url 8193", "port 1024", "port 1023", "port 65535", "key 255", "key 256", "prompt 1",
         "prompt 2000", "prompt 2001"],
)  # fmt: skip
async def test_each_bound_is_where_it_is_said_to_be(
    customer: Paying,
    drawing: tuple[GatewayProcess, str],
    fields: dict[str, Any],
    headers: dict[str, str],
    told: str | None,
) -> None:
    async with calling(drawing[0].base_url, customer.customer.test) as caller:
        reply = await caller.post("/api/generate", {**PROMPT, **fields}, **headers)
        if told is not None:
            assert (reply.status, reply.json["data"]) == (400, None)
            assert told in reply.json["message"]
            return
        task_id = reply.json["data"]["task_id"]
        assert (await ended(caller, task_id))["status"] == "SUCCESS"
