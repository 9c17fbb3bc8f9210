"""A studio: a gateway that keeps pictures, a route that draws them, and a customer who orders and comes back."""

import asyncio
import base64
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.caller import Caller
from harness.fake_provider import Json
from harness.gateway import GatewayProcess
from harness.strange_server import PNG
from havuz_contract.snapshot.models import Price

MODEL = "gpt-image-1.5"
PRICES = (Price(unit="USD", per_image=10 * 10**9),)
ROUTE: dict[str, Any] = {"name": MODEL, "operations": frozenset({"image"})}
_ENDED_SECONDS = 30.0


@contextmanager
def studio(redis_url: str, encryption_keys: str, files: Path, **settings: str) -> Iterator[GatewayProcess]:
    """A gateway that does tasks and may fetch from this machine; a Redis of its own keeps others from doing them."""
    given = {"object_store": files.as_uri(), "fetch_allow": "127.0.0.0/8", **settings}
    with GatewayProcess(redis_url=redis_url, encryption_keys=encryption_keys, **given) as process:
        yield process


def drawn(picture: bytes = PNG, **fields: Any) -> Json:
    """A provider's answer of one picture."""
    body = {"created": 1_760_000_000, "data": [{"b64_json": base64.b64encode(picture).decode()}]}
    return Json(body=body, **fields)


def png_size(picture: bytes) -> tuple[int, int]:
    """Width and height of a PNG."""
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


async def order(caller: Caller, **fields: Any) -> str:
    """The id of a task that was ordered."""
    reply = await caller.post("/api/generate", {"prompt": "a red fox", **fields})
    assert reply.status == 200, reply.body
    task_id = reply.json["data"]["task_id"]
    assert isinstance(task_id, str)
    return task_id


async def status(caller: Caller, task_id: str) -> dict[str, Any]:
    """The data of its status."""
    reply = await caller.get(f"/api/status?task_id={task_id}")
    assert reply.status == 200, reply.body
    data = reply.json["data"]
    assert isinstance(data, dict)
    return data


async def ended(caller: Caller, task_id: str, *, seconds: float = _ENDED_SECONDS) -> dict[str, Any]:
    """The data of its status once it has ended."""
    deadline = time.monotonic() + seconds
    while (data := await status(caller, task_id))["status"] in ("PENDING", "IN_PROGRESS"):
        assert time.monotonic() < deadline, f"the task has not ended: {data}"
        await asyncio.sleep(0.05)
    return data
