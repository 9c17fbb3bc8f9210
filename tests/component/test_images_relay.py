"""Pictures through a real gateway: relayed whole and as streams, moved to the next key, paid by the piece."""

import base64
import json
import struct
from typing import Any

import aiohttp
import pytest

from harness.caller import calling
from harness.fake_provider import FakeProvider, Json, RawEvents, error
from harness.fake_provider_sound import Sound
from harness.gateway import GatewayProcess
from harness.paying import paying
from harness.world import World
from havuz_contract.snapshot.models import Price

BASES = ["/v1", "/api/v1"]
PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(3_000)).decode()
USAGE = {
    "input_tokens": 14,
    "input_tokens_details": {"text_tokens": 14, "image_tokens": 0},
    "output_tokens": 1_056,
    "total_tokens": 1_070,
}
SHOWN = {"background": "opaque", "output_format": "png", "quality": "medium", "size": "1024x1024"}
IMAGE = frozenset({"image"})


def images(count: int = 1) -> dict[str, Any]:
    return {"created": 1_760_000_000, **SHOWN, "data": [{"b64_json": PICTURE}] * count, "usage": USAGE}


def partial(index: int) -> dict[str, Any]:
    fields = {"created_at": 1_760_000_000, "partial_image_index": index, "b64_json": PICTURE, **SHOWN}
    return {"type": "image_generation.partial_image", **fields}


def completed() -> dict[str, Any]:
    fields = {"created_at": 1_760_000_000, "b64_json": PICTURE, **SHOWN, "usage": USAGE}
    return {"type": "image_generation.completed", **fields}


def written(*events: dict[str, Any]) -> list[bytes]:
    return [f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events]


def png_size(picture: bytes) -> tuple[int, int]:
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


@pytest.mark.parametrize("base", BASES)
async def test_a_generation_is_relayed_as_it_came(
    world: World, gateway: GatewayProcess, provider: FakeProvider, base: str
) -> None:
    customer, route = await world.serve(provider.base_url, operations=IMAGE)
    provider.script(Json(body=images(2)))
    body = {"model": route.model, "prompt": "a red fox", "n": 2, "size": "1024x1024", "quality": "medium", "x_new": 1}
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post(f"{base}/images/generations", body)
    assert (reply.status, reply.json) == (200, images(2))
    assert provider.requests[0].path == "/v1/images/generations"
    assert provider.requests[0].json == {**body, "model": "upstream-model"}


async def test_a_key_that_is_rate_limited_is_followed_by_the_next(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    customer, route = await world.serve(provider.base_url, provider.base_url, operations=IMAGE)
    provider.script(error(429, headers={"retry-after": "20"}), Json(body=images()))
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post("/v1/images/generations", {"model": route.model, "prompt": "a red fox"})
    assert (reply.status, reply.headers["x-havuz-attempts"]) == (200, "2")


async def test_a_refusal_of_the_safety_system_is_told_in_the_provider_s_words(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    customer, route = await world.serve(provider.base_url, provider.base_url, operations=IMAGE)
    provider.script(error(400, "rejected by the safety system", kind="image_generation_user_error",
                          code="moderation_blocked"))  # fmt: skip
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post("/v1/images/generations", {"model": route.model, "prompt": "no"})
    assert (reply.status, reply.error["code"], len(provider.requests)) == (400, "moderation_blocked", 1)


async def test_a_stream_of_pictures_is_relayed_and_ends_without_a_last_event(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    customer, route = await world.serve(provider.base_url, operations=IMAGE)
    events = written(partial(0), partial(1), completed())
    provider.script(RawEvents(b"".join(events)))
    body = {"model": route.model, "prompt": "a red fox", "stream": True, "partial_images": 2}
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post("/v1/images/generations", body)
    assert (reply.status, reply.body) == (200, b"".join(events))


async def test_a_stream_that_breaks_after_a_partial_picture_ends_with_an_error(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    customer, route = await world.serve(provider.base_url, provider.base_url, operations=IMAGE)
    provider.script(RawEvents(b"".join(written(partial(0)))))
    async with calling(gateway.base_url, customer.live) as caller:
        body = {"model": route.model, "prompt": "a red fox", "stream": True, "partial_images": 2}
        reply = await caller.post("/v1/images/generations", body)
    *_, last, rest = reply.body.decode().split("\n\n")
    assert (rest, len(provider.requests)) == ("", 1)
    assert json.loads(last.removeprefix("data: "))["error"]["type"] == "api_error"


async def test_a_picture_costs_what_each_costs(world: World, gateway: GatewayProcess) -> None:
    price = Price(unit="USD", per_image=1_500_000)
    async with paying(world, gateway, prices=(price,), route={"operations": IMAGE}) as pool:
        pool.provider.script(Json(body=images(3)), RawEvents(b"".join(written(partial(0), completed()))))
        body = {"model": pool.route.model, "prompt": "foxes"}
        reply = await pool.caller.post("/v1/images/generations", {**body, "n": 3})
        assert (reply.status, reply.headers["x-havuz-cost"]) == (200, "0.0045")
        streamed = await pool.caller.post("/v1/images/generations", {**body, "stream": True, "partial_images": 1})
        assert streamed.status == 200
        events = await pool.closed(2)
        assert [(one["operation"], one["images"], one["cost"], one["flags"]) for one in events] == [
            ("image", 3, "4500000", ""),
            ("image", 1, "1500000", ""),
        ]
        row = (await pool.caller.get("/v1/usage")).json["data"][0]
        assert (row["images"], row["output_tokens"], row["cost"]) == (4, 2 * 1_056, "0.006")
        assert (await pool.proof()).faults == ()


async def test_who_hangs_up_after_a_partial_picture_pays_for_what_is_drawn(
    world: World, gateway: GatewayProcess
) -> None:
    price = Price(unit="USD", per_image=1_500_000)
    async with paying(world, gateway, prices=(price,), route={"operations": IMAGE}) as pool:
        (first,) = written(partial(0))
        pool.provider.script(Sound([first], content_type="text/event-stream", hang=True))
        body = {"model": pool.route.model, "prompt": "foxes", "n": 2, "stream": True, "partial_images": 1}
        headers = {"authorization": f"Bearer {pool.customer.live}"}
        async with aiohttp.ClientSession() as session:
            url = f"{gateway.base_url}/v1/images/generations"
            async with session.post(url, json=body, headers=headers) as answer:
                await answer.content.readexactly(len(first))
        (event,) = await pool.closed(1)
        assert (event["status"], event["images"], event["cost"]) == ("cancelled", 2, "3000000")


async def test_tokens_that_nobody_told_are_estimated_where_they_have_a_price(
    world: World, gateway: GatewayProcess
) -> None:
    async with paying(world, gateway, route={"operations": IMAGE}) as pool:
        told, silent = images(), {"created": 1, "data": [{"b64_json": PICTURE}]}
        pool.provider.script(Json(body=told), Json(body=silent))
        body = {"model": pool.route.model, "prompt": "a fox", "quality": "low"}
        for _ in range(2):
            assert (await pool.caller.post("/v1/images/generations", body)).status == 200
        first, second = await pool.closed(2)
        assert (first["output"], first["flags"], second["output"], second["flags"]) == (1_056, "", 400, "estimated")


async def test_pictures_are_reserved_for_before_they_are_drawn(world: World, gateway: GatewayProcess) -> None:
    prices = (Price(unit="USD", per_image=3 * 10**9),)
    async with paying(world, gateway, prices=prices, route={"operations": IMAGE}) as pool:
        body = {"model": pool.route.model, "prompt": "a fox", "n": 4}
        reply = await pool.caller.post("/v1/images/generations", body)
        assert (reply.status, reply.error["type"]) == (402, "insufficient_balance")
        assert pool.provider.requests == []


async def test_a_test_key_gets_a_real_picture_of_the_asked_size(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve("http://127.0.0.1:9/v1", operations=IMAGE)
    body = {"model": route.model, "prompt": "a fox", "size": "320x200", "n": 2}
    async with calling(gateway.base_url, customer.test) as caller:
        reply = await caller.post("/v1/images/generations", body)
        again = await caller.post("/v1/images/generations", body)
    pictures = [base64.b64decode(one["b64_json"]) for one in reply.json["data"]]
    assert [png_size(one) for one in pictures] == [(320, 200)] * 2
    assert pictures[0] != pictures[1]
    assert reply.json["data"] == again.json["data"]


@pytest.mark.parametrize(("prompt", "status"), [("havuz:error=429", 429), ("havuz:refusal", 400)])
async def test_a_test_key_can_ask_for_trouble(world: World, gateway: GatewayProcess, prompt: str, status: int) -> None:
    customer, route = await world.serve("http://127.0.0.1:9/v1", operations=IMAGE)
    async with calling(gateway.base_url, customer.test) as caller:
        reply = await caller.post("/v1/images/generations", {"model": route.model, "prompt": prompt})
    assert reply.status == status


async def test_an_edit_by_json_reaches_the_provider(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    customer, route = await world.serve(provider.base_url, operations=IMAGE)
    provider.script(Json(body=images()))
    body = {
        "model": route.model,
        "prompt": "add a rainbow",
        "images": [{"image_url": f"data:image/png;base64,{PICTURE}"}],
        "input_fidelity": "high",
    }
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post("/v1/images/edits", body)
    assert (reply.status, provider.requests[0].path) == (200, "/v1/images/edits")
    assert provider.requests[0].json == {**body, "model": "upstream-model"}


async def test_a_model_that_draws_nothing_says_what_it_serves(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve()
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post("/v1/images/generations", {"model": route.model, "prompt": "a fox"})
    assert (reply.status, reply.error["param"]) == (400, "model")
    assert "does not serve image" in reply.error["message"]
