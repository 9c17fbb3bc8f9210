"""Signing in to the pages and out of them: what a session is, when it ends, and what never gets in."""

import pytest

from harness.builders import make_project, make_project_key
from harness.caller import calling
from harness.gateway import GatewayProcess
from harness.visitor import visiting
from harness.world import World


async def test_a_key_opens_a_session_and_is_itself_nowhere(world: World, gateway: GatewayProcess) -> None:
    customer = make_project(display_name="Shop & Söhne")
    await world.apply(customer)
    async with visiting(gateway.base_url) as visitor:
        first = await visitor.get("/dashboard")
        assert (first.status, first.headers["location"]) == (303, "/dashboard/sign-in")
        signed_in = await visitor.sign_in(customer.live)
        assert signed_in.headers["location"] == "/dashboard"
        cookie = signed_in.headers["set-cookie"]
        assert {"Path=/dashboard", "SameSite=Strict", "HttpOnly"} <= set(cookie.split("; "))
        page = await visitor.get("/dashboard")
        assert page.status == 200
        assert "Shop &amp; Söhne" in page.body.decode()
        assert customer.live not in cookie + page.body.decode()
    dump = b"".join([await world.redis.dump(key) or b"" async for key in world.redis.scan_iter("havuz:{pages}:*")])
    assert customer.live.encode() not in dump
    assert customer.project.keys[0].sha256.encode() not in dump
    assert customer.live not in gateway.log


async def test_signing_out_ends_the_session_wherever_its_cookie_is(world: World, gateway: GatewayProcess) -> None:
    customer = make_project()
    await world.apply(customer)
    async with visiting(gateway.base_url, customer.live) as visitor, visiting(gateway.base_url) as thief:
        thief.cookies |= visitor.cookies
        assert (await thief.get("/dashboard")).status == 200
        out = await visitor.post("/dashboard/sign-out", {"proof": await visitor.proof()})
        assert (out.status, visitor.cookies) == (303, {})
        assert (await thief.get("/dashboard")).headers["location"] == "/dashboard/sign-in?over=1"


async def test_a_session_ends_with_its_key(world: World, gateway: GatewayProcess) -> None:
    customer = make_project()
    await world.apply(customer)
    async with visiting(gateway.base_url, customer.live) as one, visiting(gateway.base_url, customer.live) as other:
        reset = customer.project.model_copy(update={"keys": (make_project_key("pk_live_another"),)})
        await world.apply(reset)
        assert [(await who.get("/dashboard")).status for who in (one, other)] == [303, 303]
        assert (await one.get("/dashboard/balance")).status == 401


async def test_signing_in_never_goes_on_with_a_session_that_was_there(world: World, gateway: GatewayProcess) -> None:
    customer = make_project()
    await world.apply(customer)
    async with visiting(gateway.base_url, customer.live) as visitor:
        before = dict(visitor.cookies)
        await visitor.sign_in(customer.live)
        assert visitor.cookies != before
        async with visiting(gateway.base_url) as thief:
            thief.cookies |= before
            assert (await thief.get("/dashboard")).status == 303


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://elsewhere.example"}, {"origin": "null"}, {"origin": ""}, {"sec-fetch-site": "cross-site"}],
    ids=["origin", "null", "none", "fetch-site"],
)
async def test_a_form_of_another_site_is_refused(
    world: World, gateway: GatewayProcess, headers: dict[str, str]
) -> None:
    customer = make_project()
    await world.apply(customer)
    async with visiting(gateway.base_url) as visitor:
        reply = await visitor.post("/dashboard/sign-in", {"key": customer.live}, **headers)
        assert (reply.status, visitor.cookies) == (403, {})


async def test_a_form_without_its_proof_changes_nothing(world: World, gateway: GatewayProcess) -> None:
    customer, other = make_project(), make_project()
    await world.apply(customer, other)
    async with visiting(gateway.base_url, customer.live) as visitor, visiting(gateway.base_url, other.live) as stranger:
        for proof in ("", "guessed", await stranger.proof()):
            assert (await visitor.post("/dashboard/sign-out", {"proof": proof})).status == 403
        assert (await visitor.get("/dashboard")).status == 200


async def test_what_no_page_can_answer_is_still_a_page_in_both_languages(gateway: GatewayProcess) -> None:
    async with calling(gateway.base_url, None) as caller:
        put = await caller.send("PUT", "/dashboard")
        large = await caller.post("/dashboard/sign-in", b"key=" + b"a" * 100_000)
        nowhere = await caller.get("/dashboard/nowhere", **{"accept-language": "tr"})
    assert (put.status, large.status, nowhere.status) == (405, 401, 404)
    for reply in (put, large):
        assert "İstek" in reply.body.decode() or "istek" in reply.body.decode()
    for reply in (put, large, nowhere):
        assert reply.headers["content-type"].startswith("text/html")
        assert reply.headers["content-security-policy"].startswith("default-src 'none'")
    assert "Bulunamadı" in nowhere.body.decode()
