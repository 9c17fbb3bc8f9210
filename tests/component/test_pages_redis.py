"""The pages with the rights of the chart's gateway in Redis, and while Redis is away."""

from collections.abc import Callable

from harness.builders import make_project, make_project_key
from harness.fixtures import StartGateway
from harness.redis_rights import rights_of
from harness.valkey import ValkeyServer
from harness.visitor import visiting
from harness.world import World


async def test_pages_need_no_more_than_the_chart_gives_and_say_so_while_redis_is_away(
    start_valkey: Callable[..., ValkeyServer], start_gateway: StartGateway, encryption_keys: str
) -> None:
    server = start_valkey()
    customer = make_project(most_self_made=1)
    brought = make_project_key("pk_live_brought", name="old", origin="Brought")
    project = customer.project.model_copy(update={"keys": (*customer.project.keys, brought)})
    async with World(redis_url=server.url, encryption_keys=encryption_keys) as world:
        await world.redis.execute_command("ACL", "SETUSER", "gateway", "on", ">secret", *rights_of("gateway"))
        await world.apply(project)
        gateway = start_gateway(redis_url=server.url.replace("://", "://gateway:secret@"))
        world.gateways.append(gateway)
        async with visiting(gateway.base_url, customer.live) as visitor, visiting(gateway.base_url) as other:
            for path in ("", "/keys", "/usage", "/models", "/pictures", "/account"):
                assert (await visitor.get(f"/dashboard{path}")).status == 200, path
            assert (await other.post("/dashboard/sign-in", {"key": "wrong"})).status == 403
            asked = await visitor.post("/dashboard/keys", {"proof": await visitor.proof(), "name": "more"})
            assert (await visitor.get(asked.headers["location"])).status == 200
            assert await world.redis.execute_command("ACL", "LOG") == []
            server.__exit__()
            page = await visitor.get("/dashboard")
            assert (page.status, "Not now" in page.body.decode()) == (503, True)
            assert page.headers["retry-after"]
            assert (await other.get("/dashboard/sign-in")).status == 200
            refused = await other.post("/dashboard/sign-in", {"key": customer.live})
            assert (refused.status, other.cookies) == (503, {})
    assert "Traceback" not in gateway.log
    assert customer.live not in gateway.log
