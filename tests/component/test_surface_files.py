"""Kept files by their links, from the real gateway."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import pytest
from aiohttp import web

from harness.fake_gcs import FakeGcs
from harness.gateway import GatewayProcess
from harness.strange_server import PNG, StrangeServer
from harness.valkey import ValkeyServer
from havuz_contract.snapshot.envelope import Keyring
from havuz_gateway.files.bucket import open_bucket
from havuz_gateway.files.links import Links
from havuz_gateway.files.names import RANDOM_BYTES, FileName
from havuz_gateway.files.object_store import ObjectStore

BODY = PNG + b"\0" * 600_000


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that the gateway serves."""

    name: FileName
    link: str
    links: Links
    base_url: str
    session: aiohttp.ClientSession


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tmp_path_factory.mktemp("files").as_uri()


@pytest.fixture(scope="module")
def keeper(valkey: ValkeyServer, encryption_keys: str, folder: str) -> Iterator[GatewayProcess]:
    """A gateway that serves the folder."""
    with GatewayProcess(redis_url=valkey.url, encryption_keys=encryption_keys, object_store=folder) as process:
        yield process


@pytest.fixture
async def kept(keeper: GatewayProcess, encryption_keys: str, folder: str) -> AsyncIterator[Kept]:
    name = await ObjectStore(open_bucket(folder), days=7, max_bytes=10**6, wall=time.time).put(BODY)
    links = Links(Keyring.parse(encryption_keys), seconds=60)
    link = links.make(name, base_url=keeper.base_url, now=time.time())
    async with aiohttp.ClientSession() as session:
        yield Kept(name, link, links, keeper.base_url, session)


async def test_a_link_gives_the_file_so_that_no_browser_runs_it(kept: Kept) -> None:
    async with kept.session.get(kept.link) as answer:
        assert (answer.status, await answer.read()) == (200, BODY)
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["content-length"] == str(len(BODY))
        assert answer.headers["content-disposition"] == f'inline; filename="{kept.name}"'
        assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"].startswith("private, max-age=")
        tag = answer.headers["etag"]
    async with kept.session.get(kept.link, headers={"if-none-match": tag}) as answer:
        assert (answer.status, await answer.read()) == (304, b"")
    async with kept.session.head(kept.link) as answer:
        assert (answer.status, answer.headers["content-length"]) == (200, str(len(BODY)))


@pytest.mark.parametrize(
    ("asked", "status", "told", "length"),
    [
        ("bytes=0-9", 206, f"bytes 0-9/{len(BODY)}", 10),
        ("bytes=600000-", 206, f"bytes 600000-{len(BODY) - 1}/{len(BODY)}", len(BODY) - 600_000),
        ("bytes=-7", 206, f"bytes {len(BODY) - 7}-{len(BODY) - 1}/{len(BODY)}", 7),
        ("bytes=9999999-", 416, f"bytes */{len(BODY)}", 0),
        ("bytes=0-1,5-6", 200, None, len(BODY)),
        ("bytes=9-1", 200, None, len(BODY)),
        ("bytes=-", 200, None, len(BODY)),
        ("lines=1-2", 200, None, len(BODY)),
    ],
)
async def test_a_range_is_served(kept: Kept, asked: str, status: int, told: str | None, length: int) -> None:
    async with kept.session.get(kept.link, headers={"range": asked}) as answer:
        assert (answer.status, answer.headers.get("content-range")) == (status, told)
        assert len(await answer.read()) == length


async def test_links_that_do_not_work_are_refused_in_openai_shape(kept: Kept) -> None:
    parts = urlsplit(kept.link)
    gone = FileName(kept.name.day, "0" * 40, "png")
    cases = {
        urlunsplit(parts._replace(query="")): (403, "permission_error"),
        kept.link[:-1]: (403, "permission_error"),
        kept.links.make(kept.name, base_url=kept.base_url, now=time.time() - 61): (410, "not_found_error"),
        kept.links.make(gone, base_url=kept.base_url, now=time.time()): (404, "not_found_error"),
        f"{kept.base_url}/files/..%2f..%2fetc%2fpasswd": (404, "not_found_error"),
        f"{kept.base_url}/files/{kept.name}.html?{parts.query}": (404, "not_found_error"),
    }
    for url, (status, kind) in cases.items():
        async with kept.session.get(aiohttp.client.URL(url, encoded=True)) as answer:
            error = (await answer.json())["error"]
            assert (answer.status, error["code"], error["type"]) == (status, status, kind), url


async def test_a_store_that_can_not_be_used_keeps_the_gateway_from_starting(
    start_gateway: Callable[..., GatewayProcess],
) -> None:
    for setting, told in (
        ({"object_store": "s3://bucket?nonsense=secret"}, "setting 'object_store'"),
        ({"fetch_allow": "10.0.0.0/99"}, "setting 'fetch_allow'"),
        ({"public_url": "api.example.com"}, "setting 'public_url'"),
    ):
        with pytest.raises(RuntimeError, match=told):
            start_gateway(**setting)


async def test_a_file_that_the_store_breaks_off_does_not_end_clean(
    start_gateway: Callable[..., GatewayProcess], encryption_keys: str
) -> None:
    name = FileName.make("image/png", now=time.time(), days=1, random=bytes(RANDOM_BYTES))

    async def half(request: web.BaseRequest) -> web.StreamResponse:
        headers = {"content-length": str(len(BODY)), "last-modified": "Sat, 21 Nov 2026 00:00:00 GMT", "etag": '"1"'}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        await response.write(BODY[:300_000])
        assert request.transport is not None
        request.transport.close()
        return response

    async with StrangeServer() as store, aiohttp.ClientSession() as session:
        store.answers[f"/bucket/{name.path}"] = half
        url = f"s3://bucket?endpoint={store.url('')}&skip_signature=true&region=eu-1"
        gateway = await asyncio.to_thread(start_gateway, object_store=url)
        links = Links(Keyring.parse(encryption_keys), seconds=60)
        async with session.get(links.make(name, base_url=gateway.base_url, now=time.time())) as answer:
            assert answer.status == 200
            with pytest.raises(aiohttp.ClientPayloadError):
                await answer.read()


async def test_a_link_leads_to_what_google_keeps(
    start_gateway: Callable[..., GatewayProcess], encryption_keys: str
) -> None:
    with FakeGcs() as google:
        name = await ObjectStore(open_bucket(google.url), days=7, max_bytes=10**6, wall=time.time).put(BODY)
        gateway = await asyncio.to_thread(start_gateway, object_store=google.url)
        links = Links(Keyring.parse(encryption_keys), seconds=60)
        link = links.make(name, base_url=gateway.base_url, now=time.time())
        async with aiohttp.ClientSession() as session:
            async with session.get(link, headers={"range": "bytes=1-3"}) as answer:
                assert (answer.status, await answer.read()) == (206, b"PNG")
                assert answer.headers["content-type"] == "image/png"
            async with session.get(link) as answer:
                assert (answer.status, await answer.read()) == (200, BODY)
            google.objects.clear()
            async with session.get(link) as answer:
                assert answer.status == 404
