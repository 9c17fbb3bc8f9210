"""Rotation on a laptop: the annotation in the manifests, as in a cluster."""

import asyncio
from typing import Any

import yaml

from harness.caller import calling
from harness.local_up import Local


def change_project(local: Local, *, rotate: str, **spec: Any) -> None:
    """Annotate the quick start's Project, and set fields of its spec."""
    for path in local.manifests.glob("*.yaml"):
        documents = list(yaml.safe_load_all(path.read_text()))
        for one in documents:
            if one["kind"] == "Project":
                one["metadata"]["annotations"] = {"havuz.dev/rotate-key": rotate}
                one["spec"].update(spec)
                path.write_text(yaml.safe_dump_all(documents))


async def status(local: Local, key: str) -> int:
    async with calling(local.base_url, key) as caller:
        return (await caller.get("/v1/models")).status


async def until(local: Local, key: str, wanted: int) -> None:
    async with asyncio.timeout(20):
        while await status(local, key) != wanted:
            await asyncio.sleep(0.02)


async def test_a_rotated_key_and_the_former_work_until_a_rotation_without_grace(served: Local) -> None:
    first = served.environment()["OPENAI_API_KEY"]
    change_project(served, rotate="live=1, nobody=1")
    await served.printed("revision 2 is served")
    await served.printed("RotationRefused: key 'nobody'")
    second = served.environment()["OPENAI_API_KEY"]
    assert second != first
    await until(served, second, 200)
    assert await status(served, first) == 200
    change_project(served, rotate="live=2", rotationGrace="0s")
    await served.printed("revision 3 is served")
    await until(served, second, 401)
    assert [await status(served, key) for key in (first, served.environment()["OPENAI_API_KEY"])] == [401, 200]
