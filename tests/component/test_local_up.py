"""`havuz up` as a user runs it: a real process on a copy of the quick-start manifests."""

import asyncio
import os
import shlex
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import openai
import pytest
import yaml

from harness.account import havuz
from harness.caller import calling
from harness.fake_provider import FakeProvider
from harness.local_up import Local


def edit(path: Path, kind: str, **spec: Any) -> None:
    """Set fields in the spec of the first object of a kind."""
    documents = list(yaml.safe_load_all(path.read_text()))
    next(one for one in documents if one["kind"] == kind)["spec"].update(spec)
    path.write_text(yaml.safe_dump_all(documents))


async def test_the_quick_start_answers_the_openai_sdk_without_any_provider_key(served: Local) -> None:
    environment = served.environment()
    async with openai.AsyncOpenAI(
        base_url=environment["OPENAI_BASE_URL"], api_key=environment["OPENAI_API_KEY"]
    ) as client:
        chat = await client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "hi"}])
        assert chat.choices[0].message.content
        models = [model.id async for model in client.models.list()]
        vectors = await client.embeddings.create(model="text-embedding-3-small", input="hi", dimensions=8)
    assert "gpt-4o-mini" in models
    assert len(vectors.data[0].embedding) == 8
    assert "built-in mock provider: default/anthropic, default/gemini, default/openai" in served.output


async def test_the_curl_line_works_as_it_is_printed(served: Local) -> None:
    (line,) = (line.strip() for line in served.lines if line.strip().startswith("curl"))
    command = shlex.split(line)
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    answer = await asyncio.to_thread(subprocess.run, [*command, "-sf"], capture_output=True, timeout=20)
    assert b'"chat.completion"' in answer.stdout


async def test_the_pages_are_where_it_is_said(served: Local) -> None:
    (said,) = (word for line in served.lines for word in line.split() if "/dashboard" in word)
    async with calling(served.base_url, None) as caller:
        answer = await caller.get(said.rstrip(":").removeprefix(served.base_url))
        assert answer.status == 200
        assert "text/html" in answer.headers["content-type"]


async def test_an_edit_is_served_and_a_wrong_one_is_named_while_the_rest_goes_on(served: Local) -> None:
    key = served.environment()["OPENAI_API_KEY"]
    routes = served.manifests / "30-model-routes.yaml"
    good = routes.read_text()
    async with calling(served.base_url, key) as caller:
        edit(routes, "ModelRoute", model="edited")
        await served.printed("revision 2 is served")
        async with asyncio.timeout(5):
            while (await caller.get("/v1/models/edited")).status != 200:
                await asyncio.sleep(0.02)
        edit(routes, "ModelRoute", targets=[])
        await served.printed("! 30-model-routes.yaml: ModelRoute 'gpt-4o-mini': spec.targets: ")
        assert (await caller.get("/v1/models/edited")).status == 200
        routes.write_text("{broken")
        await served.printed("! 30-model-routes.yaml: can't be read as YAML")
        assert (await caller.get("/v1/models/edited")).status == 200
        routes.write_text(good)
        await served.printed("revision 3 is served")
        async with asyncio.timeout(5):
            while (await caller.get("/v1/models/gpt-4o-mini")).status != 200:
                await asyncio.sleep(0.02)


async def test_a_folder_that_is_replaced_is_followed_again(served: Local) -> None:
    routes, aside = served.manifests / "30-model-routes.yaml", served.folder / "aside"
    async with calling(served.base_url, served.environment()["OPENAI_API_KEY"]) as caller:

        async def edited(owner: str) -> None:
            edit(routes, "ModelRoute", ownedBy=owner)
            async with asyncio.timeout(5):
                while (await caller.get("/v1/models/gpt-4o-mini")).json.get("owned_by") != owner:
                    await asyncio.sleep(0.02)

        shutil.move(served.manifests, aside)
        await served.printed("! the manifests can't be read: No such file or directory")
        assert len((await caller.get("/v1/models")).json["data"]) == 7, "what was read last must stay"
        shutil.copytree(aside, served.manifests)
        await served.printed("no longer: the manifests can't be read")
        await edited("after it was away")
        shutil.rmtree(served.manifests)
        shutil.copytree(aside, served.manifests)
        async with asyncio.timeout(5):
            while (await caller.get("/v1/models/gpt-4o-mini")).json.get("owned_by") != "openai":
                await asyncio.sleep(0.02)
        await edited("after it was replaced at once")
    assert "Traceback" not in served.output


async def test_ctrl_c_ends_with_0_and_leaves_nothing_behind(served: Local) -> None:
    children = Path(f"/proc/{served.pid}/task/{served.pid}/children").read_text().split()
    assert children, "there is no server to look at"
    assert await served.interrupt() == 0
    assert served.lines[-1] == "stopped"
    assert not any(Path(f"/proc/{child}").exists() for child in children)
    assert not (served.folder / ".havuz" / "valkey" / "valkey.sock").exists()


async def test_a_kill_takes_the_server_along_and_the_next_start_has_the_same_keys(served: Local) -> None:
    before = served.environment()
    children = Path(f"/proc/{served.pid}/task/{served.pid}/children").read_text().split()
    served.kill()
    await served.end()
    async with asyncio.timeout(10):
        while any(Path(f"/proc/{child}/exe").exists() for child in children):
            await asyncio.sleep(0.02)
    served.lines.clear()
    await served.start()
    await served.printed("Ctrl-C stops")
    assert served.environment() == before


async def test_a_server_that_dies_is_started_again_and_edits_go_on(served: Local) -> None:
    (server,) = Path(f"/proc/{served.pid}/task/{served.pid}/children").read_text().split()
    os.kill(int(server), signal.SIGKILL)
    await served.printed("the Valkey server ended and is started again")
    edit(served.manifests / "30-model-routes.yaml", "ModelRoute", model="edited")
    async with calling(served.base_url, served.environment()["OPENAI_API_KEY"]) as caller, asyncio.timeout(20):
        while (await caller.get("/v1/models/edited")).status != 200:
            await asyncio.sleep(0.05)


async def test_with_a_key_in_the_environment_the_real_provider_is_called(local: Local, provider: FakeProvider) -> None:
    edit(
        local.manifests / "20-upstream-keys.yaml",
        "UpstreamKey",
        provider="openai-compatible",
        baseURL=provider.base_url,
    )
    await local.start(OPENAI_API_KEY="sk-from-the-environment")
    await local.printed("Ctrl-C stops")
    assert "mock provider: default/anthropic, default/gemini" in local.output
    async with calling(local.base_url, local.environment()["OPENAI_API_KEY"]) as caller:
        body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
        assert (await caller.post("/v1/chat/completions", body)).status == 200
    assert provider.requests[0].headers["authorization"] == "Bearer sk-from-the-environment"


async def test_a_test_key_never_reaches_a_provider(local: Local, provider: FakeProvider) -> None:
    edit(
        local.manifests / "20-upstream-keys.yaml",
        "UpstreamKey",
        provider="openai-compatible",
        baseURL=provider.base_url,
    )
    await local.start(OPENAI_API_KEY="sk-from-the-environment")
    await local.printed("Ctrl-C stops")
    async with calling(local.base_url, local.environment()["HAVUZ_TEST_KEY"]) as caller:
        body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
        assert (await caller.post("/v1/chat/completions", body)).status == 200
    assert provider.requests == []


async def test_a_port_that_is_taken_is_a_sentence(local: Local, provider: FakeProvider) -> None:
    taken = provider.base_url.rpartition(":")[2].removesuffix("/v1")
    await local.start("--port", taken)
    assert await local.end() == 2
    assert f"can't listen on 127.0.0.1:{taken}" in local.output
    assert "Traceback" not in local.output


async def test_a_folder_that_is_not_there_is_a_sentence(local: Local) -> None:
    shutil.rmtree(local.manifests)
    await local.start()
    assert await local.end() == 2
    assert "there is no folder 'manifests'" in local.output


async def test_a_second_one_in_the_same_place_is_refused(served: Local) -> None:
    second = Local(served.folder)
    await second.start()
    assert await second.end() == 2
    assert "another `havuz up` uses" in second.output


async def test_the_books_are_found_where_it_runs(served: Local) -> None:
    ended = await havuz("ledger", "verify", cwd=str(served.folder))
    assert (ended.code, ended.err) == (0, "")
    assert "balance" in ended.out.splitlines()[-1]
