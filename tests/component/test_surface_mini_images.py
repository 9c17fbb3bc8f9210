"""`POST /api/texttoimage` and its jobs, of a real gateway: every field, default, bound, list, status and error."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest

from harness.builders import make_route, make_target, make_upstream
from harness.caller import Caller, Reply, calling
from harness.fake_provider import FakeProvider, Hang, Json, error
from harness.fixtures import publish_nothing
from harness.gateway import GatewayProcess
from harness.paying import Paying, paying
from harness.strange_server import PNG
from harness.tasks import drawn, png_size, studio
from harness.valkey import ValkeyServer
from harness.world import World
from havuz_contract.snapshot.models import Price

SCHEDULERS = (
    "Euler a", "Euler", "LMS", "Heun", "DPM2", "DPM2 a", "DPM++ 2S a", "DPM++ 2M", "DPM++ SDE", "DPM++ 2M SDE",
    "DPM fast", "LMS Karras", "DPM2 Karras", "DPM2 a Karras", "DPM++ 2S a Karras", "DPM++ 2M Karras",
    "DPM++ SDE Karras", "DPM++ 2M SDE Karras",
)  # fmt: skip
DEFAULTS = {
    "sampler_name": "DPM++ SDE", "steps": 4, "cfg_scale": 2, "width": 1024, "height": 1024, "size": "1024x1024",
}  # fmt: skip
ORDER = {"model": "realvision", "prompt": "a red fox"}
PATHS = ["/api/texttoimage/", "/api/texttoimage"]


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
    with studio(valkey.url, encryption_keys, tmp_path_factory.mktemp("files")) as process:
        yield process


@pytest.fixture
async def customer(valkey: ValkeyServer, drawing: GatewayProcess, encryption_keys: str) -> AsyncIterator[Paying]:
    prices = (Price(unit="USD", per_image=1_500_000),)
    route: dict[str, Any] = {"name": "realvision", "operations": frozenset({"image"})}
    async with (
        World(redis_url=valkey.url, encryption_keys=encryption_keys, gateways=[drawing]) as world,
        paying(world, drawing, prices=prices, route=route) as made,
    ):
        yield made


async def job_of(caller: Caller, ordered: Reply, *, until: tuple[str, ...] = ("success", "error")) -> dict[str, Any]:
    """What is told of a job, without a key, once it is in one of these states."""
    asked = {"jobid": str(ordered.json["jobid"]), "signature": ordered.json["signature"]}
    deadline = time.monotonic() + 30
    while True:
        reply = await caller.post("/api/texttoimage/jobs/", asked)
        assert reply.status == 200, reply.body
        assert set(reply.json) == {"status", "image_url", "message"}
        if reply.json["status"] in until:
            told = reply.json
            assert isinstance(told, dict)
            return told
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


def refused(reply: Reply, status: int) -> str:
    """The message of an error, after a check of its form."""
    assert reply.status == status, reply.body
    assert reply.json == {"status": "error", "jobid": None, "signature": None, "message": reply.json["message"]}
    message = reply.json["message"]
    assert isinstance(message, str)
    return message


@pytest.mark.parametrize("path", PATHS)
async def test_a_picture_is_ordered_with_a_key_and_fetched_without(
    customer: Paying, drawing: GatewayProcess, path: str
) -> None:
    customer.provider.script(drawn())
    fields = {"negativePrompt": "ugly", "scheduler": "Euler a", "steps": 8, "cfgScale": 3.5, "width": 1152}
    ordered = await customer.caller.post(path, {**ORDER, **fields, "height": 768})
    assert (ordered.status, set(ordered.json)) == (200, {"status", "jobid", "signature"})
    assert (ordered.json["status"], type(ordered.json["jobid"])) == ("success", int)
    async with calling(drawing.base_url, None) as nobody, aiohttp.ClientSession() as session:
        told = await job_of(nobody, ordered)
        assert (told["status"], told["message"]) == ("success", "success")
        async with session.get(told["image_url"]) as found:
            assert await found.read() == PNG
    assert customer.provider.requests[0].json == {
        "model": "upstream-model", "prompt": "a red fox", "negative_prompt": "ugly", "sampler_name": "Euler a",
        "steps": 8, "cfg_scale": 3.5, "width": 1152, "height": 768, "size": "1152x768",
    }  # fmt: skip
    (event,) = await customer.closed(1)
    assert (event["cost"], event["images"]) == ("1500000", 1)


async def test_what_is_not_given_has_its_default(customer: Paying) -> None:
    customer.provider.always(drawn())
    nothing = dict.fromkeys(("negativePrompt", "scheduler", "steps", "cfgScale", "width", "height"))
    for fields in ({}, nothing):
        ordered = await customer.caller.post("/api/texttoimage/", {**ORDER, **fields})
        assert (await job_of(customer.caller, ordered))["status"] == "success"
    for sent in customer.provider.requests:
        assert sent.json == {"model": "upstream-model", "prompt": "a red fox", **DEFAULTS}


@pytest.mark.parametrize(
    ("field", "taken", "wrong"),
    [
        ("steps", (1, 8), (0, 9, 4.5, "4", True)),
        ("cfgScale", (1, 7, 1.5), (0.99, 7.01, "2")),
        ("width", (256, 1344), (255, 1345, 512.5)),
        ("height", (256, 1344), (255, 1345, "512")),
        ("scheduler", SCHEDULERS, ("euler", "DDIM", "", 1)),
        ("negativePrompt", ("", "ugly"), (1, ["ugly"])),
    ],
    ids=["steps", "cfgScale", "width", "height", "scheduler", "negativePrompt"],
)
async def test_every_bound_and_list_holds(
    customer: Paying, drawing: GatewayProcess, field: str, taken: tuple[Any, ...], wrong: tuple[Any, ...]
) -> None:
    async with calling(drawing.base_url, customer.customer.test) as caller:
        for value in taken:
            reply = await caller.post("/api/texttoimage/", {**ORDER, "width": 256, "height": 256, field: value})
            assert reply.status == 200, (value, reply.body)
            assert (await job_of(caller, reply))["status"] == "success"
        for value in wrong:
            reply = await caller.post("/api/texttoimage/", {**ORDER, field: value})
            assert f"'{field}'" in refused(reply, 400), value


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({"prompt": "a fox"}, 400, "'model'"),
        ({"model": "realvision"}, 400, "'prompt'"),
        ({"model": "realvision", "prompt": ""}, 400, "'prompt'"),
        ({"model": "no-such-model", "prompt": "a fox"}, 404, "no-such-model"),
        ([], 400, "object"),
    ],
    ids=["no model", "no prompt", "empty prompt", "unknown model", "no object"],
)
async def test_a_wrong_order_is_told_in_this_form(customer: Paying, body: Any, status: int, named: str) -> None:
    assert named in refused(await customer.caller.post("/api/texttoimage/", body), status)


async def test_an_order_needs_a_key(drawing: GatewayProcess, customer: Paying) -> None:
    async with calling(drawing.base_url, None) as nobody:
        refused(await nobody.post("/api/texttoimage/", ORDER), 401)


async def test_a_job_is_told_only_to_whoever_has_its_signature(customer: Paying, drawing: GatewayProcess) -> None:
    customer.provider.script(drawn())
    ordered = (await customer.caller.post("/api/texttoimage/", ORDER)).json
    jobid, signature = ordered["jobid"], ordered["signature"]
    changed = signature[:-6] + ("A" if signature[-6] != "A" else "B") + signature[-5:]
    async with calling(drawing.base_url, None) as nobody:
        for asked, status in [
            ({"jobid": jobid, "signature": changed}, 403),
            ({"jobid": jobid + 1, "signature": signature}, 403),
            ({"jobid": jobid, "signature": "abcxyz123"}, 403),
            ({"jobid": jobid, "signature": "é" * 9}, 403),
            ({"jobid": jobid, "signature": "A" * 5_000}, 403),
            ({"jobid": jobid}, 400),
            ({"signature": signature}, 400),
            ({"jobid": "12x", "signature": signature}, 400),
            ({"jobid": -1, "signature": signature}, 400),
        ]:
            refused(await nobody.post("/api/texttoimage/jobs/", asked), status)
        for form in (jobid, str(jobid)):
            reply = await nobody.post("/api/texttoimage/jobs", {"jobid": form, "signature": signature})
            assert reply.status == 200


async def test_a_job_that_is_drawn_is_processing(customer: Paying) -> None:
    customer.provider.script(Hang())
    ordered = await customer.caller.post("/api/texttoimage/", ORDER)
    await customer.provider.received(1)
    told = await job_of(customer.caller, ordered, until=("processing",))
    assert (told["image_url"], told["message"]) == (None, "processing")


async def test_a_job_that_failed_is_an_error_and_costs_nothing(customer: Paying) -> None:
    customer.provider.script(error(400, "no such sampler"))
    told = await job_of(customer.caller, await customer.caller.post("/api/texttoimage/", ORDER))
    assert told == {"status": "error", "image_url": None, "message": "no such sampler"}
    (event,) = await customer.closed(1)
    assert event["cost"] == "0"


async def test_a_test_key_gets_a_picture_of_the_asked_size(customer: Paying, drawing: GatewayProcess) -> None:
    async with calling(drawing.base_url, customer.customer.test) as caller, aiohttp.ClientSession() as session:
        ordered = await caller.post("/api/texttoimage/", {**ORDER, "width": 1152, "height": 768})
        told = await job_of(caller, ordered)
        async with session.get(told["image_url"]) as found:
            assert png_size(await found.read()) == (1152, 768)
    assert customer.provider.requests == []


async def test_the_same_idempotency_key_is_one_job(customer: Paying) -> None:
    customer.provider.script(drawn())
    replies = [
        await customer.caller.post("/api/texttoimage/", ORDER, **{"idempotency-key": json.dumps(["k", 1])})
        for _ in range(2)
    ]
    assert replies[0].json == replies[1].json
    assert (await job_of(customer.caller, replies[1]))["status"] == "success"
    assert len(customer.provider.requests) == 1


async def test_a_stable_diffusion_server_is_asked_in_its_own_words(customer: Paying, drawing: GatewayProcess) -> None:
    picture = base64.b64encode(PNG).decode()
    async with FakeProvider() as server:
        server.always(Json(body={"images": [picture], "parameters": {}, "info": "{}"}))
        upstream = make_upstream(server.base_url.removesuffix("/v1"), provider="stable-diffusion", credential="")
        route = make_route(
            make_target(upstream, model="realisticVisionV60B1"),
            name="juggernaut", operations=frozenset({"image"}), prices=customer.route.prices,
        )  # fmt: skip
        await customer.world.apply(upstream, route)
        fields = {"model": "juggernaut", "prompt": "a fox", "negativePrompt": "ugly", "scheduler": "Euler a"}
        told = await job_of(customer.caller, await customer.caller.post("/api/texttoimage/", fields))
        assert told["status"] == "success", told
        asked = server.requests[0]
    assert asked.path == "/sdapi/v1/txt2img"
    known = {"prompt": "a fox", "negative_prompt": "ugly", "sampler_name": "Euler a", "steps": 4, "cfg_scale": 2}
    assert known.items() <= asked.json.items()
    assert (asked.json["width"], asked.json["height"]) == (1024, 1024)
    assert asked.json["override_settings"] == {"sd_model_checkpoint": "realisticVisionV60B1"}
