"""Edits by forms with pictures, which go to the disk and not into memory; and what is wrong with a request."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from harness.caller import calling
from harness.fake_provider import CloseWithoutAnswer, FakeProvider, Json
from harness.fixtures import StartGateway
from harness.forms import FORM_HEADERS, form, parts_of
from harness.gateway import GatewayProcess
from harness.paying import paying
from harness.valkey import ValkeyServer
from harness.world import World
from havuz_contract.snapshot.models import Price

IMAGE = frozenset({"image"})
PATH = "/v1/images/edits"
ANSWER = {"created": 1, "data": [{"b64_json": "iVBORw0KGgo="}]}
MEBIBYTE = 1024 * 1024


async def test_a_form_is_relayed_to_whoever_speaks_the_language(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    customer, route = await world.serve(provider.base_url, provider.base_url, operations=IMAGE)
    provider.script(CloseWithoutAnswer(), Json(body=ANSWER))
    fields = {"model": route.model, "prompt": "ekle: gökkuşağı", "n": 2, "input_fidelity": "high", "timeout": 90}
    pictures = [("image[]", os.urandom(2 * MEBIBYTE)), ("image[]", b"\r\n--form"), ("mask", b"")]
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post(PATH, form(fields, pictures), **FORM_HEADERS)
    assert (reply.status, reply.json, reply.headers["x-havuz-attempts"]) == (200, ANSWER, "2")
    for request in provider.requests:
        assert parts_of(request.headers, request.body) == [
            ("model", b"upstream-model"),
            ("prompt", "ekle: gökkuşağı".encode()),
            ("n", b"2"),
            ("input_fidelity", b"high"),
            *pictures,
        ]


async def test_pictures_of_a_form_are_paid_for_by_their_number(world: World, gateway: GatewayProcess) -> None:
    price = Price(unit="USD", per_image=10**7)
    async with paying(world, gateway, prices=(price,), route={"operations": IMAGE}) as pool:
        pool.provider.script(Json(body={"created": 1, "data": [{"b64_json": "x"}] * 3}))
        body = form({"model": pool.route.model, "prompt": "x", "n": 3}, [("image", b"\x89PNG")])
        reply = await pool.caller.post(PATH, body, **FORM_HEADERS)
        assert (reply.status, reply.headers["x-havuz-cost"]) == (200, "0.03")


@pytest.mark.parametrize(
    ("path", "field", "mebibytes"),
    [(PATH, "image", 48), ("/v1/audio/transcriptions", "file", 24)],
    ids=["pictures", "sound"],
)
async def test_a_large_form_is_not_held_in_memory(
    valkey: ValkeyServer, encryption_keys: str, start_gateway: StartGateway, provider: FakeProvider,
    path: str, field: str, mebibytes: int,
) -> None:  # fmt: skip
    gateway = start_gateway()
    async with World(redis_url=valkey.url, encryption_keys=encryption_keys, gateways=[gateway]) as world:
        customer, route = await world.serve(provider.base_url, operations=frozenset({"image", "transcription"}))
        provider.always(Json(body={**ANSWER, "text": "hello"}))
        async with calling(gateway.base_url, customer.live) as caller:
            small = form({"model": route.model, "prompt": "x"}, [(field, bytes(2 * MEBIBYTE))])
            assert (await caller.post(path, small, **FORM_HEADERS)).status == 200
            before = peak_memory(gateway.pid)
            large = form({"model": route.model, "prompt": "x"}, [(field, bytes(mebibytes * MEBIBYTE))])
            assert (await caller.post(path, large, **FORM_HEADERS)).status == 200
            assert len(provider.requests[1].body) == len(large) - len(route.model) + len("upstream-model")
            assert peak_memory(gateway.pid) - before < 16 * MEBIBYTE
            kept = [os.readlink(path) for path in Path(f"/proc/{gateway.pid}/fd").iterdir() if path.is_symlink()]
            assert [path for path in kept if "(deleted)" in path] == []


async def test_uploads_that_have_no_room_together_are_told_to_come_again(
    valkey: ValkeyServer, encryption_keys: str, start_gateway: StartGateway, provider: FakeProvider
) -> None:
    gateway = start_gateway(upload_room_bytes=str(6 * MEBIBYTE))
    async with World(redis_url=valkey.url, encryption_keys=encryption_keys, gateways=[gateway]) as world:
        customer, route = await world.serve(provider.base_url, operations=IMAGE)
        provider.always(Json(body=ANSWER))
        async with calling(gateway.base_url, customer.live) as caller:
            for size, status in ((5, 200), (9, 503), (6, 200)):
                body = form({"model": route.model, "prompt": "x"}, [("image", bytes(size * MEBIBYTE))])
                reply = await caller.post(PATH, body, **FORM_HEADERS)
                assert reply.status == status
                assert ("retry-after" in reply.headers) == (status == 503)


def peak_memory(pid: int) -> int:
    """The most bytes that a process has held so far."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


async def test_a_form_over_the_bound_is_refused_before_it_is_read(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve(operations=IMAGE)
    body = form({"model": route.model, "prompt": "x"}, [("image", bytes(64 * MEBIBYTE))])
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post(PATH, body, **FORM_HEADERS)
    assert (reply.status, reply.error["type"]) == (413, "invalid_request_error")


async def test_a_stranger_s_form_is_refused(world: World, gateway: GatewayProcess) -> None:
    body = form({"model": "m", "prompt": "x"}, [("image", bytes(MEBIBYTE))])
    async with calling(gateway.base_url, "pk_live_nobody") as caller:
        reply = await caller.post(PATH, body, **FORM_HEADERS)
    assert reply.status == 401


async def test_a_form_where_json_is_wanted_is_refused(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve(operations=IMAGE)
    async with calling(gateway.base_url, customer.live) as caller:
        body = form({"model": route.model, "prompt": "x"})
        reply = await caller.post("/v1/images/generations", body, **FORM_HEADERS)
    assert (reply.status, reply.error["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize(
    ("path", "change", "param"),
    [
        ("generations", {"prompt": None}, "prompt"),
        ("generations", {"prompt": ""}, "prompt"),
        ("generations", {"prompt": "x" * 32_001}, "prompt"),
        ("generations", {"n": 0}, "n"),
        ("generations", {"n": 11}, "n"),
        ("generations", {"n": "2"}, "n"),
        ("generations", {"size": "1024*1024"}, "size"),
        ("generations", {"size": "0x10"}, "size"),
        ("generations", {"quality": "best"}, "quality"),
        ("generations", {"background": "blue"}, "background"),
        ("generations", {"output_format": "bmp"}, "output_format"),
        ("generations", {"output_compression": 101}, "output_compression"),
        ("generations", {"moderation": "none"}, "moderation"),
        ("generations", {"response_format": "file"}, "response_format"),
        ("generations", {"partial_images": 4, "stream": True}, "partial_images"),
        ("generations", {"partial_images": 1}, "partial_images"),
        ("generations", {"stream": "true"}, "stream"),
        ("generations", {"steps": 0}, "steps"),
        ("generations", {"width": 63}, "width"),
        ("generations", {"timeout": 601}, "timeout"),
        ("edits", {}, "images"),
        ("edits", {"images": []}, "images"),
        ("edits", {"images": [{"image_url": "x"}] * 17}, "images"),
        ("edits", {"images": [{}]}, "images[0]"),
        ("edits", {"images": [{"image_url": "x", "file_id": "y"}]}, "images[0]"),
        ("edits", {"images": [{"image_url": ""}]}, "images[0].image_url"),
        ("edits", {"images": [{"image_url": "x"}], "mask": "y"}, "mask"),
        ("edits", {"images": [{"image_url": "x"}], "input_fidelity": "exact"}, "input_fidelity"),
    ],
)
async def test_wrong_fields_are_named(
    world: World, gateway: GatewayProcess, path: str, change: dict[str, Any], param: str
) -> None:
    customer, route = await world.serve(operations=IMAGE)
    body = {"model": route.model, "prompt": "a fox"} | change
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post(f"/v1/images/{path}", body)
    assert (reply.status, reply.error["param"]) == (400, param)


async def test_fields_at_their_bounds_are_taken(world: World, gateway: GatewayProcess, provider: FakeProvider) -> None:
    customer, route = await world.serve(provider.base_url, operations=IMAGE)
    provider.always(Json(body=ANSWER))
    async with calling(gateway.base_url, customer.live) as caller:
        for change in (
            {"prompt": "x" * 32_000}, {"n": 10}, {"n": 1}, {"output_compression": 0}, {"output_compression": 100},
            {"size": "auto"}, {"size": "3840x2160"}, {"n": None}, {"background": "transparent"},
        ):  # fmt: skip
            reply = await caller.post("/v1/images/generations", {"model": route.model, "prompt": "a fox"} | change)
            assert reply.status == 200, change


@pytest.mark.parametrize(
    ("fields", "files", "param"),
    [
        ({"prompt": "x"}, [], "image"),
        ({"prompt": "x"}, [("image[]", b"1")] * 17, "image"),
        ({}, [("image", b"1")], "prompt"),
        ({"prompt": "x", "n": "many"}, [("image", b"1")], "n"),
    ],
    ids=["no-picture", "too-many", "no-prompt", "no-number"],
)
async def test_wrong_parts_are_named(
    world: World, gateway: GatewayProcess, fields: dict[str, Any], files: list[tuple[str, bytes]], param: str
) -> None:
    customer, route = await world.serve(operations=IMAGE)
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post(PATH, form({"model": route.model, **fields}, files), **FORM_HEADERS)
    assert (reply.status, reply.error["param"]) == (400, param)
