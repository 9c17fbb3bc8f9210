"""Requests for keys on a laptop: carried out in the state folder, as the operator does in a cluster."""

import asyncio
from pathlib import Path
from typing import Any

import yaml
from redis.asyncio import Redis

from harness.caller import calling
from harness.local_up import Local
from havuz_contract import keys, project_keys
from havuz_contract.key_requests import KeyAnswer, KeyRequest, KeyRequests
from havuz_contract.snapshot.envelope import Keyring


async def asked(local: Local, action: Any, key: str, *, by: str, number: int) -> KeyAnswer:
    """The answer to a request of the quick start's Project."""
    state = local.folder / ".havuz"
    keyring = Keyring.parse((state / "encryption-keys").read_text())
    async with Redis.from_url((state / "redis-url").read_text().strip()) as client:
        (uid,) = await client.hkeys(keys.PROJECTS)
        desk = KeyRequests(client, keyring)
        request = KeyRequest(
            id=f"request-{number:012}",
            action=action,
            project_uid=uid.decode(),
            namespace="default",
            project="demo",
            key=key,
            asked_at=1e10,
            asked_by=project_keys.key_id(project_keys.sha256(by)),
        )
        await desk.ask(request)
        async with asyncio.timeout(20):
            while (answer := await desk.take(request.project_uid, request.id)) is None or answer.state == "Waiting":
                await asyncio.sleep(0.02)
        return answer


async def status(local: Local, key: str) -> int:
    async with calling(local.base_url, key) as caller:
        return (await caller.get("/v1/models")).status


async def until(local: Local, key: str, wanted: int) -> None:
    async with asyncio.timeout(20):
        while await status(local, key) != wanted:
            await asyncio.sleep(0.02)


def allow(manifests: Path, most: int) -> None:
    for path in manifests.glob("*.yaml"):
        documents = list(yaml.safe_load_all(path.read_text()))
        for one in documents:
            if one["kind"] == "Project":
                one["spec"]["selfService"] = {"maxKeys": most}
                path.write_text(yaml.safe_dump_all(documents))


async def test_a_key_is_reset_and_others_are_made_and_revoked(local: Local) -> None:
    allow(local.manifests, 1)
    await local.start()
    await local.printed("Ctrl-C stops")
    first = local.environment()["OPENAI_API_KEY"]
    reset = await asked(local, "Reset", "live", by=first, number=1)
    assert reset.state == "Done"
    assert reset.key == local.environment()["OPENAI_API_KEY"] != first
    await until(local, first, 401)
    assert await status(local, reset.key) == 200

    # the id of a key outlives its reset, so the first one's still says who asks
    made = await asked(local, "Create", "extra", by=first, number=2)
    assert made.key is not None
    await until(local, made.key, 200)
    assert (await asked(local, "Create", "more", by=first, number=3)).state == "Refused"
    assert await local.interrupt() == 0
    local.lines.clear()
    await local.start()
    await local.printed("Ctrl-C stops")
    await until(local, made.key, 200)
    assert (await asked(local, "Revoke", "extra", by=first, number=4)).state == "Done"
    await until(local, made.key, 401)
    assert await status(local, reset.key) == 200
