"""Pictures by providers of other languages: Stable Diffusion servers, Gemini and Imagen."""

import base64
import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import pytest

from harness.builders import Customer, make_project, make_route, make_target, make_upstream
from harness.caller import Reply, calling
from harness.fake_provider import FakeProvider, Json, error
from harness.forms import FORM_HEADERS, form
from harness.gateway import GatewayProcess
from harness.world import World
from havuz_contract.snapshot.models import Parameters, Route

IMAGE = frozenset({"image"})
PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
PICTURE = base64.b64encode(PNG).decode()
DATA_URL = f"data:image/png;base64,{PICTURE}"


async def serve(
    world: World, provider: FakeProvider, kind: str, *, model: str, times: int = 1, **target: Any
) -> tuple[Customer, Route]:
    root = provider.base_url.removesuffix("/v1")
    upstreams = [make_upstream(root, provider=kind, credential="user:secret") for _ in range(times)]
    route, customer = make_route(make_target(*upstreams, model=model, **target), operations=IMAGE), make_project()
    await world.apply(*upstreams, route, customer)
    return customer, route


async def ask(gateway: GatewayProcess, customer: Customer, path: str, body: Mapping[str, Any]) -> Reply:
    async with calling(gateway.base_url, customer.live) as caller:
        return await caller.post(f"/v1/images/{path}", body)


def drawn(count: int = 1, **info: Any) -> dict[str, Any]:
    told = {"prompt": "a fox", "seed": 42, "width": 768, "height": 512, "sd_model_name": "realvision", **info}
    return {"images": [PICTURE] * count, "parameters": {"prompt": "a fox"}, "info": json.dumps(told)}


async def test_a_stable_diffusion_server_is_asked_in_its_own_words(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    parameters = Parameters(defaults={"steps": 4, "cfg_scale": 2}, overrides={"restore_faces": True})
    customer, route = await serve(
        world, provider, "stable-diffusion", model="realvision.safetensors [abc]", parameters=parameters
    )
    provider.script(Json(body=drawn(2)))
    own = {"negative_prompt": "ugly", "sampler_name": "DPM++ SDE Karras", "cfg_scale": 3.5, "seed": 42}
    body = {"model": route.model, "prompt": "a fox", "n": 2, "width": 768, "height": 512, "quality": "high", **own}
    reply = await ask(gateway, customer, "generations", body)
    request = provider.requests[0]
    assert request.path == "/sdapi/v1/txt2img"
    assert request.headers["authorization"] == "Basic " + base64.b64encode(b"user:secret").decode()
    assert request.json == {
        "prompt": "a fox",
        "batch_size": 2,
        "override_settings": {"sd_model_checkpoint": "realvision.safetensors [abc]"},
        "send_images": True,
        "save_images": False,
        "width": 768,
        "height": 512,
        "steps": 4,
        "restore_faces": True,
        **own,
    }
    assert reply.status == 200
    assert reply.json["data"] == [{"b64_json": PICTURE}] * 2
    assert (reply.json["size"], reply.json["output_format"]) == ("768x512", "png")
    assert reply.headers["x-havuz-dropped"] == "quality"


async def test_a_picture_is_changed_by_json_and_by_a_form(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    customer, route = await serve(world, provider, "stable-diffusion", model="realvision")
    provider.always(Json(body=drawn()))
    fields = {"model": route.model, "prompt": "a rainbow", "denoising_strength": 0.4}
    named = {"images": [{"image_url": DATA_URL}], "mask": {"image_url": DATA_URL}}
    assert (await ask(gateway, customer, "edits", fields | named)).status == 200
    async with calling(gateway.base_url, customer.live) as caller:
        body = form(fields, [("image", PNG), ("mask", PNG)])
        assert (await caller.post("/v1/images/edits", body, **FORM_HEADERS)).status == 200
    first, second = provider.requests
    assert first.path == second.path == "/sdapi/v1/img2img"
    assert first.json == second.json
    assert (first.json["init_images"], first.json["mask"], first.json["inpainting_mask_invert"]) == (
        [PICTURE], PICTURE, 1,
    )  # fmt: skip
    assert first.json["denoising_strength"] == 0.4


async def test_a_picture_of_another_checkpoint_is_no_answer(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    customer, route = await serve(world, provider, "stable-diffusion", model="realvision", times=2)
    provider.script(Json(body=drawn(sd_model_name="anything-v5")), Json(body=drawn()))
    reply = await ask(gateway, customer, "generations", {"model": route.model, "prompt": "a fox"})
    assert (reply.status, reply.headers["x-havuz-attempts"]) == (200, "2")


@pytest.mark.parametrize(
    ("told", "status", "attempts"),
    [
        (Json(404, {"detail": "Sampler not found"}), 404, 1),
        (Json(422, {"detail": [{"loc": ["body", "steps"], "msg": "value is not valid", "type": "x"}]}), 422, 1),
        (Json(500, {"error": "OutOfMemoryError", "detail": "", "body": "", "errors": "CUDA out of memory."}), 503, 2),
        (Json(200, {"detail": "Not Found"}), 503, 2),
    ],
    ids=["sampler", "validation", "out-of-memory", "no-pictures"],
)
async def test_errors_of_a_server_are_told_or_passed_by(
    world: World, gateway: GatewayProcess, provider: FakeProvider, told: Json, status: int, attempts: int
) -> None:
    customer, route = await serve(world, provider, "stable-diffusion", model="realvision", times=2)
    provider.always(told)
    reply = await ask(gateway, customer, "generations", {"model": route.model, "prompt": "x", "sampler_name": "y"})
    assert (reply.status, len(provider.requests)) == (status, attempts)


async def test_gemini_draws_one_picture(world: World, gateway: GatewayProcess, provider: FakeProvider) -> None:
    customer, route = await serve(world, provider, "gemini", model="gemini-2.5-flash-image")
    parts = [{"text": "Here it is."}, {"inlineData": {"mimeType": "image/png", "data": PICTURE}}]
    usage = {"promptTokenCount": 7, "candidatesTokenCount": 1290, "totalTokenCount": 1297}
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
    provider.script(Json(body={"candidates": [candidate], "usageMetadata": usage, "responseId": "r"}))
    body = {"model": route.model, "prompt": "a fox", "size": "1536x1024", "moderation": "low"}
    reply = await ask(gateway, customer, "generations", body)
    request = provider.requests[0]
    assert request.path == "/models/gemini-2.5-flash-image:generateContent"
    assert request.json == {
        "contents": [{"role": "user", "parts": [{"text": "a fox"}]}],
        "generationConfig": {"responseModalities": ["TEXT", "IMAGE"], "imageConfig": {"aspectRatio": "3:2"}},
    }
    assert (reply.status, reply.json["data"]) == (200, [{"b64_json": PICTURE}])
    assert (reply.json["usage"]["input_tokens"], reply.json["usage"]["output_tokens"]) == (7, 1290)
    assert reply.headers["x-havuz-dropped"] == "moderation"


async def test_gemini_changes_pictures(world: World, gateway: GatewayProcess, provider: FakeProvider) -> None:
    customer, route = await serve(world, provider, "gemini", model="gemini-2.5-flash-image")
    part = {"inlineData": {"mimeType": "image/png", "data": PICTURE}}
    provider.script(Json(body={"candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}]}))
    async with calling(gateway.base_url, customer.live) as caller:
        body = form({"model": route.model, "prompt": "both"}, [("image[]", PNG), ("image[]", PNG)])
        reply = await caller.post("/v1/images/edits", body, **FORM_HEADERS)
    assert reply.status == 200
    assert provider.requests[0].json["contents"][0]["parts"] == [{"text": "both"}, part, part]


async def test_imagen_is_asked_by_predict(world: World, gateway: GatewayProcess, provider: FakeProvider) -> None:
    customer, route = await serve(world, provider, "gemini", model="imagen-4.0-generate-001")
    provider.script(Json(body={"predictions": [{"mimeType": "image/png", "bytesBase64Encoded": PICTURE}] * 2}))
    body = {"model": route.model, "prompt": "a fox", "n": 2, "size": "1000x700"}
    reply = await ask(gateway, customer, "generations", body)
    assert provider.requests[0].path == "/models/imagen-4.0-generate-001:predict"
    assert provider.requests[0].json == {
        "instances": [{"prompt": "a fox"}],
        "parameters": {"sampleCount": 2, "aspectRatio": "4:3"},
    }
    assert (reply.status, len(reply.json["data"]), reply.headers["x-havuz-dropped"]) == (200, 2, "size")


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}, "PROHIBITED_CONTENT"),
        ({"candidates": [{"finishReason": "IMAGE_SAFETY"}]}, "IMAGE_SAFETY"),
        ({"candidates": [{"content": {"parts": [{"text": "I only talk."}]}, "finishReason": "STOP"}]}, "I only talk."),
    ],
    ids=["prompt-blocked", "picture-blocked", "only-text"],
)
async def test_what_gemini_does_not_draw_is_told(
    world: World, gateway: GatewayProcess, provider: FakeProvider, told: dict[str, Any], words: str
) -> None:
    customer, route = await serve(world, provider, "gemini", model="gemini-2.5-flash-image", times=2)
    provider.script(Json(body=told))
    reply = await ask(gateway, customer, "generations", {"model": route.model, "prompt": "a fox"})
    assert (reply.status, len(provider.requests)) == (400, 1)
    assert words in reply.error["message"]


@pytest.mark.parametrize(
    ("kind", "model", "path", "change", "param"),
    [
        ("stable-diffusion", "m", "generations", {"response_format": "url"}, "response_format"),
        ("stable-diffusion", "m", "generations", {"background": "transparent"}, "background"),
        ("stable-diffusion", "m", "edits", {"images": [{"image_url": DATA_URL}] * 2}, "images[1]"),
        ("stable-diffusion", "m", "edits", {"images": [{"file_id": "file-1"}]}, "images[0].file_id"),
        ("gemini", "gemini-x-image", "edits", {"images": [{"image_url": "https://x.example/a.png"}]},
         "images[0].image_url"),
        ("gemini", "gemini-x-image", "generations", {"n": 2}, "n"),
        ("gemini", "imagen-4", "generations", {"n": 5}, "n"),
        ("gemini", "imagen-4", "edits", {"images": [{"image_url": DATA_URL}]}, "images"),
    ],
    ids=["url", "transparent", "two-pictures", "file", "address", "two-of-gemini", "five-of-imagen", "edit-by-imagen"],
)  # fmt: skip
async def test_what_a_provider_can_not_be_told_is_refused_by_name(
    world: World, gateway: GatewayProcess, provider: FakeProvider, kind: str, model: str, path: str,
    change: dict[str, Any], param: str,
) -> None:  # fmt: skip
    customer, route = await serve(world, provider, kind, model=model)
    reply = await ask(gateway, customer, path, {"model": route.model, "prompt": "a fox", **change})
    assert (reply.status, reply.error["param"], provider.requests) == (400, param, [])


async def test_a_server_that_is_down_is_followed_by_openai_s_language(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    customer, route = await serve(world, provider, "stable-diffusion", model="realvision")
    other = make_upstream(provider.base_url)
    both = route.model_copy(update={"targets": (*route.targets, make_target(other, priority=1))})
    await world.apply(other, both)
    provider.script(error(503), Json(body={"created": 1, "data": [{"b64_json": PICTURE}]}))
    reply = await ask(gateway, customer, "generations", {"model": route.model, "prompt": "a fox"})
    assert [request.path for request in provider.requests] == ["/sdapi/v1/txt2img", "/v1/images/generations"]
    assert (reply.status, reply.json["data"]) == (200, [{"b64_json": PICTURE}])
