"""Streams of pictures by providers that send theirs whole: OpenAI's events, with the last one of each picture alone."""

import base64
import json
from typing import Any

import openai
import pytest

from harness.builders import make_project, make_route, make_target, make_upstream
from harness.caller import Reply, calling
from harness.fake_provider import FakeProvider, Json, error
from harness.forms import FORM_HEADERS, form
from harness.gateway import GatewayProcess
from harness.paying import paying
from harness.strange_server import PNG
from harness.world import World
from havuz_contract.snapshot.models import Failover, Price

IMAGE = frozenset({"image"})
PICTURE = base64.b64encode(PNG).decode()
TOKENS = {"promptTokenCount": 7, "candidatesTokenCount": 1290, "totalTokenCount": 1297}


def of_gemini() -> Json:
    part = {"inlineData": {"mimeType": "image/png", "data": PICTURE}}
    content = {"role": "model", "parts": [part]}
    return Json(body={"candidates": [{"content": content, "finishReason": "STOP"}], "usageMetadata": TOKENS})


def of_imagen(count: int) -> Json:
    return Json(body={"predictions": [{"bytesBase64Encoded": PICTURE, "mimeType": "image/png"}] * count})


def of_stable_diffusion(**fields: Any) -> Json:
    info = json.dumps({"width": 768, "height": 512, "sd_model_name": "m"})
    return Json(body={"images": [PICTURE], "parameters": {}, "info": info}, **fields)


def events_of(reply: Reply) -> list[dict[str, Any]]:
    """The events, each under the name that its data has. There is no `[DONE]` in this protocol."""
    assert reply.headers["content-type"].startswith("text/event-stream"), reply.body
    found = []
    for event in reply.body.decode().split("\n\n")[:-1]:
        if event.startswith(":"):
            continue
        name, _, data = event.partition("\ndata: ")
        found.append(json.loads(data))
        assert name == f"event: {found[-1]['type']}"
    return found


@pytest.mark.parametrize(
    ("kind", "model", "answer", "asked", "told"),
    [
        ("gemini", "gemini-2.5-flash-image", of_gemini(), {}, [("auto", 1290)]),
        ("gemini", "imagen-4", of_imagen(2), {"n": 2, "size": "1024x1024"}, [("1024x1024", 0)] * 2),
        ("stable-diffusion", "m", of_stable_diffusion(), {"size": "512x512", "quality": "low"}, [("768x512", 0)]),
    ],
    ids=["gemini", "imagen", "stable-diffusion"],
)
async def test_pictures_that_come_whole_are_told_as_completed_events(
    world: World, gateway: GatewayProcess, provider: FakeProvider, kind: str, model: str, answer: Json,
    asked: dict[str, Any], told: list[tuple[str, int]],
) -> None:  # fmt: skip
    upstream = make_upstream(provider.base_url.removesuffix("/v1"), provider=kind, credential="user:secret")
    route, customer = make_route(make_target(upstream, model=model), operations=IMAGE), make_project()
    await world.apply(upstream, route, customer)
    provider.script(answer)
    body = {"model": route.model, "prompt": "a fox", "stream": True, "partial_images": 2, **asked}
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post("/v1/images/generations", body)
    assert reply.status == 200
    found = events_of(reply)
    assert {event["type"] for event in found} == {"image_generation.completed"}
    assert [(event["size"], event["usage"]["output_tokens"]) for event in found] == told
    assert all(base64.b64decode(event["b64_json"]) == PNG for event in found)
    assert {(event["output_format"], event["quality"]) for event in found} == {("png", asked.get("quality", "auto"))}
    assert "partial_images" in reply.headers["x-havuz-dropped"]
    assert "stream" not in provider.requests[0].json


@pytest.mark.parametrize("as_form", [False, True], ids=["json", "form"])
async def test_a_changed_picture_is_told_as_an_edit(
    world: World, gateway: GatewayProcess, provider: FakeProvider, as_form: bool
) -> None:
    upstream = make_upstream(provider.base_url.removesuffix("/v1"), provider="stable-diffusion", credential="")
    route, customer = make_route(make_target(upstream, model="m"), operations=IMAGE), make_project()
    await world.apply(upstream, route, customer)
    provider.script(of_stable_diffusion())
    fields: dict[str, Any] = {"model": route.model, "prompt": "a rainbow"}
    async with calling(gateway.base_url, customer.live) as caller:
        if as_form:
            body = form({**fields, "stream": "true"}, [("image", PNG)])
            reply = await caller.post("/v1/images/edits", body, **FORM_HEADERS)
        else:
            images = [{"image_url": f"data:image/png;base64,{PICTURE}"}]
            reply = await caller.post("/v1/images/edits", {**fields, "stream": True, "images": images})
    assert [event["type"] for event in events_of(reply)] == ["image_edit.completed"]


async def test_the_sdk_reads_the_stream_and_what_was_drawn_is_paid_for(world: World, gateway: GatewayProcess) -> None:
    prices = (Price(unit="USD", per_image=40_000_000),)
    async with paying(world, gateway, prices=prices, route={"operations": IMAGE}) as pool:
        root = pool.provider.base_url.removesuffix("/v1")
        upstream = make_upstream(root, provider="gemini", credential="key")
        target = make_target(upstream, model="gemini-2.5-flash-image")
        await world.apply(upstream, pool.route.model_copy(update={"targets": (target,)}))
        pool.provider.script(of_gemini())
        async with openai.AsyncOpenAI(base_url=f"{gateway.base_url}/v1", api_key=pool.customer.live) as client:
            stream = await client.images.generate(model=pool.route.model, prompt="a fox", stream=True)
            events = [event async for event in stream]
        assert [event.type for event in events] == ["image_generation.completed"]
        (event,) = await pool.closed(1)
        assert (event["cost"], event["images"], event["status"]) == ("40000000", 1, "ok")


async def test_a_picture_that_takes_long_comes_after_comments_that_keep_the_line_open(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    upstream = make_upstream(provider.base_url.removesuffix("/v1"), provider="stable-diffusion", credential="")
    failover = Failover(keepalive=0.3)
    route = make_route(make_target(upstream, model="m"), operations=IMAGE, failover=failover)
    customer = make_project()
    await world.apply(upstream, route, customer)
    provider.script(of_stable_diffusion(delay=1.0), error(400, "no such sampler", delay=1.0))
    body = {"model": route.model, "prompt": "a fox", "stream": True}
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post("/v1/images/generations", body)
        assert reply.body.startswith(b": keepalive\n\n")
        assert [event["type"] for event in events_of(reply)] == ["image_generation.completed"]
        failed = await caller.post("/v1/images/generations", body)
    assert (failed.status, b"no such sampler" in failed.body) == (200, True)
    assert b".completed" not in failed.body
