"""`POST /api/generate` and `GET /api/status` of a real gateway: every field, bound, status and error they promise."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest

from harness.caller import Reply, calling
from harness.fake_provider import Hang, Json, error
from harness.fixtures import publish_nothing
from harness.gateway import GatewayProcess
from harness.paying import Paying, paying
from harness.strange_server import PNG, StrangeServer, fixed, picture
from harness.tasks import MODEL, PRICES, ROUTE, drawn, ended, order, png_size, status, studio
from harness.valkey import ValkeyServer
from harness.webhooks import verifies
from harness.world import World
from havuz_contract.snapshot.envelope import Keyring
from havuz_gateway.callbacks.signing import WebhookSecrets, shown

PROMPT = {"prompt": "a red fox"}


@pytest.fixture(scope="module")
def valkey(encryption_keys: str) -> Iterator[ValkeyServer]:
    """A server of this file's own: a gateway on the shared one would do what is ordered here."""
    with ValkeyServer() as server:
        asyncio.run(publish_nothing(server, encryption_keys))
        yield server


@pytest.fixture(scope="module")
def drawing(
    valkey: ValkeyServer, encryption_keys: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    with studio(valkey.url, encryption_keys, tmp_path_factory.mktemp("files"), task_open="3") as process:
        yield process


@pytest.fixture
async def customer(valkey: ValkeyServer, drawing: GatewayProcess, encryption_keys: str) -> AsyncIterator[Paying]:
    async with (
        World(redis_url=valkey.url, encryption_keys=encryption_keys, gateways=[drawing]) as world,
        paying(world, drawing, prices=PRICES, route=ROUTE, billing=None) as made,
    ):
        yield made
        assert await world.immortal_keys() == set()


def refused(reply: Reply, status_code: int) -> str:
    """The message of an error, after a check of its form."""
    assert reply.status == status_code, reply.body
    assert set(reply.json) == {"code", "message", "data"}
    assert (reply.json["code"], reply.json["data"]) == (status_code, None)
    message = reply.json["message"]
    assert isinstance(message, str)
    return message


async def test_an_order_is_drawn_kept_and_paid_once(customer: Paying, drawing: GatewayProcess) -> None:
    customer.provider.script(drawn())
    reply = await customer.caller.post("/api/generate", {"prompt": "a red fox", "size": "1536*1024", "quality": "high"})
    assert (reply.status, reply.json["code"], reply.json["data"]["status"]) == (200, 200, "IN_PROGRESS")
    data = await ended(customer.caller, reply.json["data"]["task_id"])
    assert (data["status"], data["consumed_credits"], data["task_id"]) == (
        "SUCCESS", 10, reply.json["data"]["task_id"],
    )  # fmt: skip
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", data["created_at"])
    assert data["request"] == {"prompt": "a red fox", "size": "1536*1024", "quality": "high"}
    (link,) = data["response"]
    assert link.startswith(f"{drawing.base_url}/files/")
    async with aiohttp.ClientSession() as session, session.get(link) as found:
        assert (found.status, found.content_type, await found.read()) == (200, "image/png", PNG)
    assert customer.provider.requests[0].path == "/v1/images/generations"
    assert customer.provider.requests[0].json == {
        "model": "upstream-model", "prompt": "a red fox", "size": "1536x1024", "quality": "high",
    }  # fmt: skip
    (event,) = await customer.closed(1)
    assert (event["id"], event["cost"], event["images"], event["status"]) == (data["task_id"], str(10**10), 1, "ok")
    assert (await customer.proof()).faults == ()


async def test_what_is_not_given_has_its_default(customer: Paying) -> None:
    customer.provider.script(drawn())
    nothing = {"size": None, "quality": None, "images": None, "input_fidelity": None, "callback_url": None}
    assert (await ended(customer.caller, await order(customer.caller, **nothing)))["status"] == "SUCCESS"
    assert customer.provider.requests[0].json == {
        "model": "upstream-model", "prompt": "a red fox", "size": "1024x1024", "quality": "medium",
    }  # fmt: skip


async def test_pictures_to_be_changed_are_fetched_and_sent(customer: Paying) -> None:
    customer.provider.script(drawn())
    async with StrangeServer() as web:
        web.answers["/fox.png"] = picture()
        data = await ended(customer.caller, await order(customer.caller, images=[web.url("/fox.png")]))
    assert data["status"] == "SUCCESS"
    sent = customer.provider.requests[0]
    assert (sent.path, sent.json["input_fidelity"], len(sent.json["images"])) == ("/v1/images/edits", "high", 1)
    assert sent.json["images"][0]["image_url"].startswith("data:image/png;base64,")


async def test_a_picture_that_is_not_there_fails_the_task_for_nothing(customer: Paying) -> None:
    async with StrangeServer() as web:
        data = await ended(customer.caller, await order(customer.caller, images=[web.url("/gone.png")]))
    assert (data["status"], data["consumed_credits"], customer.provider.requests) == ("FAILED", 0, [])
    assert "'images'" in data["error_message"]
    assert (await customer.closed(1))[0]["cost"] == "0"


async def test_a_failed_task_tells_why_and_returns_its_credits(customer: Paying) -> None:
    customer.provider.script(error(400, "Content policy violation detected", code="moderation_blocked"))
    before = (await customer.account()).balance
    task_id = await order(customer.caller)
    data = await ended(customer.caller, task_id)
    assert set(data) == {
        "task_id", "status", "consumed_credits", "error_message", "created_at", "request", "response",
    }  # fmt: skip
    assert (data["status"], data["consumed_credits"], data["response"]) == ("FAILED", 0, None)
    assert (data["error_message"], data["request"]) == ("Content policy violation detected", PROMPT)
    (event,) = await customer.closed(1)
    assert (event["status"], event["cost"]) == ("error", "0")
    assert (await customer.account()).balance == before


async def test_credits_are_held_while_the_task_is_open(customer: Paying) -> None:
    customer.provider.script(Hang())
    before = (await customer.account()).balance
    task_id = await order(customer.caller)
    await customer.provider.received(1)
    data = await status(customer.caller, task_id)
    assert set(data) == {"task_id", "status", "consumed_credits", "created_at"}
    assert (data["status"], data["consumed_credits"]) == ("IN_PROGRESS", 10)
    account = await customer.account()
    assert (account.balance, account.reserved) == (before - 10**10, 10**10)


async def test_a_balance_that_does_not_reach_orders_nothing(customer: Paying) -> None:
    customer.provider.always(Hang())
    await order(customer.caller)
    message = refused(await customer.caller.post("/api/generate", PROMPT), 402)
    assert message.startswith("Payment Required: the balance of 0 USD")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"prompt": None}, "'prompt' is required."),
        ({"prompt": "  "}, "'prompt' is required."),
        ({"prompt": 7}, "'prompt' is 7"),
        ({"prompt": "x" * 2_001}, "at most 2000 characters"),
        ({"size": "1024x1024"}, "'size'"),
        ({"size": "512*512"}, "'size'"),
        ({"quality": "auto"}, "'quality'"),
        ({"images": "https://example.com/a.png"}, "'images'"),
        ({"images": ["ftp://example.com/a.png"]}, "'images[0]'"),
        ({"images": [{"image_url": "https://example.com/a.png"}]}, "'images[0]'"),
        ({"images": ["https://example.com/a.png"] * 17}, "at most 16"),
        ({"input_fidelity": "medium"}, "'input_fidelity'"),
        ({"callback_url": "not a url"}, "'callback_url'"),
        ({"callback_url": "https://user:secret@example.com/"}, "'callback_url'"),
        ({"callback_url": "http://169.254.169.254/latest/meta-data"}, "'callback_url'"),
        ({"callback_url": "http://0xa9fea9fe/"}, "'callback_url'"),
        ({"callback_url": "http://10.1/"}, "'callback_url'"),
        ({"callback_url": "http://[::1]:8080/"}, "'callback_url'"),
        ({"images": ["https://example.com/a.png", "http://[fd00:ec2::254]/"]}, "'images[1]'"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
async def test_a_wrong_field_is_named(customer: Paying, fields: dict[str, Any], named: str) -> None:
    message = refused(await customer.caller.post("/api/generate", {**PROMPT, **fields}), 400)
    assert message.startswith("Bad Request: ")
    assert named in message


@pytest.mark.parametrize("size", ["1024*1024", "1024*1536", "1536*1024"])
@pytest.mark.parametrize("quality", ["low", "medium", "high"])
async def test_every_documented_choice_is_taken(customer: Paying, size: str, quality: str) -> None:
    customer.provider.script(drawn())
    task_id = await order(customer.caller, prompt="x" * 2_000, size=size, quality=quality)
    assert (await ended(customer.caller, task_id))["status"] == "SUCCESS"
    sent = customer.provider.requests[0].json
    assert (sent["size"], sent["quality"]) == (size.replace("*", "x"), quality)


async def test_without_a_key_nothing_is_ordered_or_told(customer: Paying, drawing: GatewayProcess) -> None:
    async with calling(drawing.base_url, None) as nobody, calling(drawing.base_url, "sk-wrong") as stranger:
        for caller in (nobody, stranger):
            assert refused(await caller.post("/api/generate", PROMPT), 401).startswith("Unauthorized: ")
            assert refused(await caller.get("/api/status?task_id=x"), 401).startswith("Unauthorized: ")


async def test_unknown_paths_bodies_and_methods_are_told_in_this_form(customer: Paying) -> None:
    refused(await customer.caller.post("/api/generate", b"not json"), 400)
    refused(await customer.caller.get("/api/generate"), 405)
    assert refused(await customer.caller.get("/api/status"), 400) == "Bad Request: 'task_id' is required."
    assert refused(await customer.caller.get("/api/status?task_id=img0"), 404).startswith("Not Found: ")


async def test_a_task_of_another_project_is_not_there(customer: Paying, drawing: GatewayProcess) -> None:
    customer.provider.script(drawn())
    task_id = await order(customer.caller)
    async with paying(customer.world, drawing, prices=PRICES, route={"operations": frozenset({"image"})}) as other:
        refused(await other.caller.get(f"/api/status?task_id={task_id}"), 404)
        refused(await other.caller.send("DELETE", f"/api/status?task_id={task_id}"), 404)
    await ended(customer.caller, task_id)


async def test_the_same_idempotency_key_is_one_task_and_one_charge(customer: Paying) -> None:
    customer.provider.script(drawn())
    replies = [await customer.caller.post("/api/generate", PROMPT, **{"idempotency-key": "k-1"}) for _ in range(3)]
    (task_id,) = {reply.json["data"]["task_id"] for reply in replies}
    await ended(customer.caller, task_id)
    again = await customer.caller.post("/api/generate", PROMPT, **{"idempotency-key": "k-1"})
    assert again.json["data"]["task_id"] == task_id
    (event,) = await customer.closed(1)
    assert (event["cost"], len(customer.provider.requests)) == (str(10**10), 1)
    other = await customer.caller.post("/api/generate", {"prompt": "a cat"}, **{"idempotency-key": "k-1"})
    assert "Idempotency-Key" in refused(other, 400)
    assert (await customer.proof()).faults == ()


async def test_a_task_that_has_begun_can_not_be_cancelled(customer: Paying) -> None:
    customer.provider.script(drawn(delay=3.0))
    task_id = await order(customer.caller)
    await customer.provider.received(1)
    reply = await customer.caller.send("DELETE", f"/api/status?task_id={task_id}")
    assert refused(reply, 409).startswith("Conflict: ")
    await ended(customer.caller, task_id)


async def test_a_test_key_gets_a_real_picture_for_nothing(customer: Paying, drawing: GatewayProcess) -> None:
    before = await customer.account()
    async with calling(drawing.base_url, customer.customer.test) as caller:
        data = await ended(caller, await order(caller, size="1536*1024"))
        failed = await ended(caller, await order(caller, prompt="havuz:refusal"))
    assert (data["status"], data["consumed_credits"], failed["status"]) == ("SUCCESS", 0, "FAILED")
    async with aiohttp.ClientSession() as session, session.get(data["response"][0]) as found:
        assert png_size(await found.read()) == (1536, 1024)
    assert (customer.provider.requests, await customer.account()) == ([], before)


async def test_an_answer_without_a_picture_costs_nothing(customer: Paying) -> None:
    customer.provider.script(Json(body={"created": 1, "data": [{"b64_json": "bm8gcGljdHVyZQ=="}]}))
    data = await ended(customer.caller, await order(customer.caller))
    assert (data["status"], data["consumed_credits"]) == ("FAILED", 0)
    (event,) = await customer.closed(1)
    assert (event["status"], event["cost"]) == ("error", "0")
    assert (await customer.proof()).faults == ()


async def test_a_model_may_be_named(customer: Paying) -> None:
    reply = await customer.caller.post("/api/generate", {**PROMPT, "model": "no-such-model"})
    assert "no-such-model" in refused(reply, 404)
    customer.provider.script(drawn())
    assert (await ended(customer.caller, await order(customer.caller, model=MODEL)))["status"] == "SUCCESS"


async def test_the_end_is_told_to_the_callback_url_and_signed(customer: Paying, encryption_keys: str) -> None:
    customer.provider.script(drawn())
    async with StrangeServer() as web:
        web.answers["/hook"] = fixed(b"ok")
        task_id = await order(customer.caller, callback_url=web.url("/hook"))
        data = await ended(customer.caller, task_id)
        (heard,) = await web.wait_for(1)
    (secret,) = WebhookSecrets(Keyring.parse(encryption_keys)).of(customer.customer.project.uid, [1])
    assert verifies(shown(secret), heard.headers, heard.body, now=time.time())
    told = json.loads(heard.body)
    assert (told["code"], told["data"]["task_id"], told["data"]["status"]) == (200, task_id, "SUCCESS")
    assert told["data"]["response"][0].partition("?")[0] == data["response"][0].partition("?")[0]
