"""Two projects side by side see nothing of each other: every route of the table is tried with the other's ids."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from harness.builders import Customer, fresh, make_project, make_project_key, make_route, make_upstream
from harness.caller import calling
from harness.fixtures import StartGateway
from harness.gateway import GatewayProcess
from harness.showcase import give_history
from harness.visitor import visiting
from harness.world import World
from havuz_contract.key_requests import KeyRequest, KeyRequests
from havuz_contract.snapshot.envelope import Keyring
from havuz_gateway.surfaces.pages.routes import ROUTES
from havuz_gateway.surfaces.pages.security import HEADERS

FOR_ALL = ("{section}",)  # parts of paths that are the same for every project
WITH_IDS = [route for route in ROUTES if "{" in route.path and not route.path.endswith(FOR_ALL)]
ASKED_BY_GET = [route for route in ROUTES if route.get is not None and "{" not in route.path and route.signed_in]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Two customers on one gateway. `ids` are the other's, by the name that routes have for them."""

    gateway: GatewayProcess
    own: Customer
    other: Customer
    ids: Mapping[str, str]

    def traces(self) -> list[str]:
        """What would give the other away."""
        project = self.other.project
        return [*self.ids.values(), project.uid, project.name, project.display_name, *(k.masked for k in project.keys)]


@pytest.fixture
async def neighbours(
    world: World, start_gateway: StartGateway, encryption_keys: str, tmp_path_factory: pytest.TempPathFactory
) -> Neighbours:
    gateway = start_gateway(object_store=tmp_path_factory.mktemp("store").as_uri())
    world.gateways.append(gateway)
    group = fresh("group")
    upstream = make_upstream()
    model = fresh("private")
    own = make_project(display_name=fresh("Own"))
    secret = fresh("pk_live")
    key = make_project_key(secret, origin="SelfMade")
    other = Customer(make_project(display_name=fresh("Other"), group=group, keys=(key,)).project, secret, "")
    await world.apply(
        upstream, own, other, make_route(upstream, model=model, groups=(group,), operations=frozenset({"image"}))
    )
    await give_history(world, other.project, days=3)
    async with calling(gateway.base_url, other.live) as caller:
        made = await caller.post("/api/generate", {"prompt": "A lighthouse", "model": model})
    namespace, _, name = other.project.name.partition("/")
    request = KeyRequest(
        id=fresh("request-of-the-other"), action="Reset", project_uid=other.project.uid, namespace=namespace,
        project=name, key="live", asked_at=time.time(), asked_by=other.project.keys[0].id,
    )  # fmt: skip
    await KeyRequests(world.redis, Keyring.parse(encryption_keys)).ask(request)
    ids = {"key": other.project.keys[0].id, "task": made.json["data"]["task_id"], "request": request.id}
    return Neighbours(gateway, own, other, {**ids, "model": model})


async def test_no_page_knows_anything_of_the_other_even_by_its_ids(neighbours: Neighbours) -> None:
    async with (
        visiting(neighbours.gateway.base_url, neighbours.own.live) as visitor,
        visiting(neighbours.gateway.base_url, neighbours.other.live) as owner,
    ):
        for route in WITH_IDS:
            path = route.path.format(**neighbours.ids)
            for method in route.methods():
                if method == "GET":
                    reply, own = await visitor.get(path), await owner.get(path)
                    assert own.status == 200, f"{path} says nothing even to its owner"
                else:
                    reply = await visitor.post(path, {"proof": await visitor.proof()})
                assert reply.status == 404, f"{method} {path}"
                assert not _found(neighbours, reply.body.replace(path.encode(), b""))
        for route in ASKED_BY_GET:
            reply = await visitor.get(route.path)
            assert reply.status == 200, reply.body.decode()
            assert not _found(neighbours, reply.body), route.path


async def test_every_answer_says_what_browsers_may_do_with_it(gateway: GatewayProcess) -> None:
    async with visiting(gateway.base_url) as visitor:
        for route in ROUTES:
            path = route.path.format_map(_Anything())
            replies = await visitor.get(path), await visitor.post(path, {}), await visitor.post(path, {}, origin="")
            for reply in replies:
                assert {name: reply.headers.get(name) for name in HEADERS} == HEADERS, path
                assert "no-store" in reply.headers["cache-control"], path


@pytest.mark.parametrize("cookie", ["", "a.b", "0" * 5_000], ids=["empty", "junk", "long"])
async def test_nobody_sees_a_page_without_a_session(gateway: GatewayProcess, cookie: str) -> None:
    async with visiting(gateway.base_url) as visitor:
        for route in ROUTES:
            path = route.path.format_map(_Anything())
            for method in route.methods() if route.signed_in else ():
                visitor.cookies["havuz_session"] = cookie
                reply = await (visitor.get(path) if method == "GET" else visitor.post(path, {"proof": "x"}))
                if route.kind == "data":
                    assert reply.status == 401, path
                else:
                    assert (reply.status, reply.headers["location"][:18]) == (303, "/dashboard/sign-in"), path


def _found(neighbours: Neighbours, body: bytes) -> list[str]:
    return [trace for trace in neighbours.traces() if trace.encode() in body]


class _Anything(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f"some-{name}-or-other"
