"""URLs of orders that lead inside, or to no picture: never called, and told to whoever sent them.

Beyond 127.0.0.2, which stands for the world outside, everything on this machine is inside.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from harness.gateway import GatewayProcess
from harness.metering import prepaid
from harness.paying import Paying, paying
from harness.strange_server import StrangeServer, endless, fixed, leading_to
from harness.tasks import PRICES, ROUTE, drawn, ended, order, status
from harness.workshop import studio_alone
from harness.world import World

OUTSIDE = "127.0.0.2"
INSIDE = [
    "169.254.169.254", "[::1]", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "10.0.0.1", "[fd00:ec2::254]",
]  # fmt: skip


@pytest.fixture(scope="module")
def drawing(encryption_keys: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GatewayProcess, str]]:
    settings = {"fetch_allow": f"{OUTSIDE}/32", "callback_delays": "0.1 0.1"}
    with studio_alone(encryption_keys, tmp_path_factory.mktemp("files"), **settings) as made:
        yield made


@pytest.fixture
async def customer(drawing: tuple[GatewayProcess, str], encryption_keys: str) -> AsyncIterator[Paying]:
    gateway, url = drawing
    async with (
        World(redis_url=url, encryption_keys=encryption_keys, gateways=[gateway]) as world,
        paying(world, gateway, prices=PRICES, route=ROUTE, billing=prepaid(100 * 10**9)) as made,
    ):
        made.provider.always(drawn())
        yield made


@pytest.fixture
async def outside() -> AsyncIterator[StrangeServer]:
    async with StrangeServer(OUTSIDE) as server:
        yield server


@pytest.fixture
async def inside(outside: StrangeServer) -> AsyncIterator[StrangeServer]:
    async with StrangeServer("127.0.0.1", port=outside.port) as server:
        yield server
        assert server.heard == []


async def told_of_callback(customer: Paying, task_id: str) -> dict[str, Any]:
    """What the task's status says of its callback once it has ended."""
    deadline = time.monotonic() + 20
    while (callback := (await status(customer.caller, task_id))["callback"])["status"] in ("waiting", "pending"):
        assert time.monotonic() < deadline, callback
        await asyncio.sleep(0.05)
    assert isinstance(callback, dict)
    return callback


@pytest.mark.parametrize("host", INSIDE)
async def test_an_address_inside_is_refused_at_the_order(customer: Paying, inside: StrangeServer, host: str) -> None:
    url = f"http://{host}:{inside.port}/x"
    for fields, named in (({"callback_url": url}, "'callback_url'"), ({"images": [url]}, "'images[0]'")):
        reply = await customer.caller.post("/api/generate", {"prompt": "a fox", **fields})
        assert (reply.status, reply.json["data"]) == (400, None)
        assert named in reply.json["message"]
        assert "is not at a public address" in reply.json["message"]
    assert customer.provider.requests == []


async def test_a_name_that_leads_inside_is_told_in_the_task_s_end(customer: Paying, inside: StrangeServer) -> None:
    url = inside.url("/x", host="localhost")
    failed = await ended(customer.caller, await order(customer.caller, images=[url]))
    assert (failed["status"], failed["consumed_credits"], customer.provider.requests) == ("FAILED", 0, [])
    assert "'localhost' of the URL is not at a public address" in failed["error_message"]
    task_id = await order(customer.caller, callback_url=url)
    callback = await told_of_callback(customer, task_id)
    assert (callback["status"], callback["next_at"]) == ("failed", None)
    (attempt,) = callback["attempts"]
    assert attempt["status"] is None
    assert "'localhost' of the URL is not at a public address" in attempt["error"]


async def test_a_redirect_inside_is_not_followed_and_told(
    customer: Paying, inside: StrangeServer, outside: StrangeServer
) -> None:
    outside.answers["/moved"] = leading_to(inside.url("/x"), status=302)
    failed = await ended(customer.caller, await order(customer.caller, images=[outside.url("/moved")]))
    assert failed["status"] == "FAILED"
    assert "is not at a public address" in failed["error_message"]
    task_id = await order(customer.caller, callback_url=outside.url("/moved"))
    callback = await told_of_callback(customer, task_id)
    assert [one["status"] for one in callback["attempts"]] == [302, 302, 302]


async def test_a_picture_without_an_end_fails_the_task_and_is_told(customer: Paying, outside: StrangeServer) -> None:
    outside.answers["/endless"] = endless(b"\x89PNG\r\n\x1a\n" * 100_000)
    failed = await ended(customer.caller, await order(customer.caller, images=[outside.url("/endless")]))
    assert (failed["status"], failed["consumed_credits"]) == ("FAILED", 0)
    assert "larger than 20971520 bytes" in failed["error_message"]


async def test_the_owner_sees_each_attempt_of_a_callback(customer: Paying, outside: StrangeServer) -> None:
    outside.answers["/hook"] = fixed(status=500)
    task_id = await order(customer.caller, callback_url=outside.url("/hook?token=secret"))
    callback = await told_of_callback(customer, task_id)
    assert (callback["status"], callback["next_at"]) == ("failed", None)
    assert [(one["status"], one["error"]) for one in callback["attempts"]] == [(500, None)] * 3
    assert all(one["at"].endswith("Z") and one["seconds"] >= 0 for one in callback["attempts"])
    assert "secret" not in str(callback)
    without = await ended(customer.caller, await order(customer.caller))
    assert "callback" not in without
