"""Keeping files in a folder, an S3-compatible store, Azure's emulator, and a server that speaks Google's protocol."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from harness.azure_server import AzureServer
from harness.cluster.binaries import BuildError
from harness.fake_gcs import FakeGcs
from harness.s3_server import S3Server
from harness.strange_server import PNG
from havuz_gateway.errors import GatewayError, NotFound, ServiceUnavailable
from havuz_gateway.files.bucket import open_bucket
from havuz_gateway.files.contents import Range, RangeOutside
from havuz_gateway.files.names import FileName
from havuz_gateway.files.object_store import ObjectStore

NOW = 1_795_284_000.0  # 2026-11-21 18:00 UTC
DAY = 86_400.0


# the first test may wait for the server to be built, which takes minutes
pytestmark = pytest.mark.timeout(110, func_only=True)


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with ExitStack() as stack:
        try:
            server = stack.enter_context(S3Server())
        except BuildError as error:
            if os.environ.get("HAVUZ_REQUIRE_CLUSTER") == "1":
                pytest.fail(str(error))
            pytest.skip(f"no S3-compatible server: {error}")
        yield server


@pytest.fixture(scope="module")
def azure() -> Iterator[AzureServer]:
    with AzureServer() as server:
        yield server


@pytest.fixture(scope="module")
def gcs() -> Iterator[FakeGcs]:
    with FakeGcs() as server:
        yield server


@pytest.fixture(params=["folder", "s3", "azure", "gcs"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "folder":
        return (tmp_path / "a new" / "folder").as_uri()
    server: S3Server | AzureServer | FakeGcs = request.getfixturevalue(request.param)
    return server.url


def store_at(url: str, *, at: float = NOW, max_bytes: int = 1_000_000) -> ObjectStore:
    return ObjectStore(open_bucket(url), days=7, max_bytes=max_bytes, wall=lambda: at)


async def read(store: ObjectStore, name: FileName, wanted: Range | None = None) -> tuple[bytes, int]:
    content = await store.open(name, wanted)
    body = b"".join([chunk async for chunk in content.chunks])
    assert len(body) == content.end - content.start
    return body, content.start


async def test_what_was_put_is_read_whole_and_in_parts(url: str) -> None:
    store, body = store_at(url), PNG + bytes(range(256)) * 3000
    name = await store.put(body)
    assert (name.day, name.content_type) == ("20261128", "image/png")
    assert await read(store, name) == (body, 0)
    assert await read(store, name, Range(10, 20)) == (body[10:20], 10)
    assert await read(store, name, Range(100_000)) == (body[100_000:], 100_000)
    assert await read(store, name, Range(-5)) == (body[-5:], len(body) - 5)
    assert await read(store, name, Range(5, 10**12)) == (body[5:], 5)
    with pytest.raises(RangeOutside):
        await store.open(name, Range(len(body)))


async def test_two_files_have_two_names(url: str) -> None:
    assert await store_at(url).put(PNG) != await store_at(url).put(PNG)


async def test_a_file_that_is_not_there_is_not_found(url: str) -> None:
    name = FileName("20261128", "0" * 40, "png")
    for wanted in (None, Range(1, 2)):
        with pytest.raises(NotFound):
            await store_at(url).open(name, wanted)


async def test_what_has_expired_is_deleted_and_nothing_else(url: str) -> None:
    old, young = await store_at(url, at=NOW - 8 * DAY).put(PNG), await store_at(url, at=NOW - 7 * DAY).put(PNG)
    assert await store_at(url).sweep() == 1
    assert await store_at(url).sweep() == 0
    with pytest.raises(NotFound):
        await store_at(url).open(old)
    assert (await read(store_at(url), young))[0] == PNG
    assert await store_at(url, at=NOW + 30 * DAY).sweep() >= 1


async def test_what_is_no_picture_or_too_large_is_not_kept(url: str) -> None:
    with pytest.raises(GatewayError, match="neither a picture nor a sound"):
        await store_at(url).put(b"<html>")
    with pytest.raises(GatewayError, match="10 at most are kept"):
        await store_at(url, max_bytes=10).put(PNG)


async def test_a_folder_holds_nothing_of_others_in_danger(tmp_path: Path) -> None:
    (tmp_path / "20200101.txt").write_text("mine")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "20200101").write_text("mine")
    assert await store_at(tmp_path.as_uri()).sweep() == 0
    assert (tmp_path / "notes" / "20200101").exists()


async def test_objects_lie_beneath_the_prefix_with_their_type(s3: S3Server) -> None:
    name = await store_at(s3.url).put(PNG)
    assert name.path in s3.files


async def test_a_store_that_is_away_or_refuses_is_told_as_such(s3: S3Server) -> None:
    wrong = s3.url.replace("havuz-secret-of-a-test", "wrong")
    with pytest.raises(ServiceUnavailable, match="can't be written to at the moment"):
        await store_at(wrong).put(PNG)
    with pytest.raises(ServiceUnavailable, match="can't be read at the moment"):
        await store_at(wrong).open(FileName("20261128", "0" * 40, "png"))


async def test_google_keeps_objects_beneath_the_prefix_with_their_type(gcs: FakeGcs) -> None:
    name = await store_at(gcs.url).put(PNG)
    stored = gcs.objects[f"some/prefix/{name.path}"]
    assert (stored.body, stored.content_type) == (PNG, "image/png")


async def test_a_key_that_google_does_not_know_is_told_as_such(gcs: FakeGcs, caplog: pytest.LogCaptureFixture) -> None:
    forged = store_at(gcs.forged_url)
    with pytest.raises(ServiceUnavailable, match="can't be written to at the moment"):
        await forged.put(PNG)
    with pytest.raises(ServiceUnavailable, match="can't be read at the moment"):
        await forged.open(FileName("20261128", "0" * 40, "png"))
    for record in caplog.records:
        assert "401 Unauthorized" in record.__dict__["error"]
        assert "the token's signature is wrong" in record.__dict__["error"]
    assert [record.getMessage() for record in caplog.records] == [
        "the object store can't be written to",
        "the object store can't be read",
    ]


async def test_without_a_store_it_is_said_what_to_set() -> None:
    with pytest.raises(ServiceUnavailable, match="HAVUZ_OBJECT_STORE"):
        await ObjectStore(None, days=7, max_bytes=1000, wall=lambda: NOW).put(PNG)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("ftp://host/x", "no s3://"),
        ("/var/lib/havuz", "no s3://"),
        ("memory:///", "no s3://"),
        ("s3://bucket?nonsense=1", "nonsense"),
        ("az://container", "Account"),
        ("gs://bucket?service_account=/no/such.json", "no/such.json"),
        ("file:///proc/no/such", "can't be used"),
    ],
)
def test_a_url_of_no_store_is_refused(url: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        open_bucket(url)
