"""Image tasks in the pages: how far each is, what came of it, and the pictures from the pages' own site."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator

import pytest

from harness.caller import calling
from harness.fixtures import publish_nothing
from harness.gateway import GatewayProcess
from harness.showcase import make_models, make_shop
from harness.tasks import order, studio
from harness.valkey import ValkeyServer
from harness.visitor import Visitor, visiting
from harness.world import World


@pytest.fixture(scope="module")
def valkey(encryption_keys: str) -> Iterator[ValkeyServer]:
    """A server of this file's own: a gateway on the shared one would do what is ordered here."""
    with ValkeyServer() as server:
        asyncio.run(publish_nothing(server, encryption_keys))
        yield server


@pytest.fixture
async def drawing(
    valkey: ValkeyServer, encryption_keys: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[GatewayProcess]:
    files, public = tmp_path_factory.mktemp("files"), "https://files.example.com"
    with studio(valkey.url, encryption_keys, files, public_url=public) as gateway:
        async with World(redis_url=valkey.url, encryption_keys=encryption_keys, gateways=[gateway]) as world:
            await world.apply(*make_models(), make_shop())
            yield gateway
            assert await world.immortal_keys() == set()


async def test_a_picture_is_shown_by_a_link_of_the_same_site(drawing: GatewayProcess) -> None:
    shop = make_shop()
    async with calling(drawing.base_url, shop.test) as caller, visiting(drawing.base_url, shop.live) as visitor:
        assert "No pictures yet" in await _page(visitor, "/dashboard/pictures")
        place = f"/dashboard/pictures/{await order(caller, prompt='A lighthouse <b>')}"
        async with asyncio.timeout(30):
            while 'http-equiv="refresh"' in (page := await _page(visitor, place)):
                assert "A lighthouse &lt;b&gt;" in page
        [link] = set(re.findall(r'src="(/files/[^"]+)"', page))
        picture = await visitor.get(link.replace("&amp;", "&"))
        assert (picture.status, picture.headers["content-type"]) == (200, "image/png")
        assert place in await _page(visitor, "/dashboard/pictures")
        assert "https://files.example.com/files" not in page
        orders = [await order(caller, prompt=f"boat {number}") for number in range(12)]
        first = await _page(visitor, "/dashboard/pictures")
        assert place not in first
        assert orders[-1] in first
        older = re.search(r"/dashboard/pictures\?before=[0-9]+", first)
        assert older is not None
        assert place in await _page(visitor, older[0])


async def _page(visitor: Visitor, path: str) -> str:
    reply = await visitor.get(path)
    assert reply.status == 200, reply.body.decode()
    return reply.body.decode()
