"""Comments keep a waiting stream alive, and none comes once the stream has its content."""

import asyncio
from collections.abc import Mapping
from typing import cast

import pytest

from havuz_gateway.pipeline.exchange import Writer
from havuz_gateway.pipeline.relay import Keepalive

INTERVAL = 0.02


class _Client:
    """A writer whose client reads only while `reads` is set."""

    def __init__(self) -> None:
        self.started = False
        self.comments = 0
        self.writing = asyncio.Event()
        self.reads = asyncio.Event()

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        self.started = True

    async def write(self, data: bytes) -> None:
        self.writing.set()
        await self.reads.wait()
        self.comments += 1


@pytest.fixture
def client() -> _Client:
    return _Client()


@pytest.fixture
def keepalive(client: _Client) -> Keepalive:
    return Keepalive(cast("Writer", client), INTERVAL, dict)


async def test_no_comment_follows_one_that_was_on_its_way_when_the_content_came(
    client: _Client, keepalive: Keepalive
) -> None:
    keepalive.start()
    await client.writing.wait()
    stopping = asyncio.create_task(keepalive.stop())
    await asyncio.sleep(0)
    client.reads.set()
    await stopping
    await asyncio.sleep(3 * INTERVAL)
    assert client.comments == 1


async def test_a_deadline_that_passes_while_a_comment_is_written_leaves_it_whole(
    client: _Client, keepalive: Keepalive
) -> None:
    keepalive.start()
    await client.writing.wait()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(INTERVAL):
            await keepalive.stop()
    client.reads.set()
    await keepalive.stop()
    assert client.comments == 1
