"""Keys in the pages: shown masked, reset, made and revoked by requests, a new one shown once."""

import asyncio
import hashlib
import re
from html import unescape

import pytest

from harness.builders import Customer, make_project, make_project_key
from harness.gateway import GatewayProcess
from harness.local_up import Local
from harness.visitor import Visitor, visiting
from harness.world import World
from havuz_contract.key_requests import KeyAnswer, KeyRequest, KeyRequests
from havuz_contract.snapshot.envelope import Keyring


async def test_keys_are_shown_masked_with_what_is_known_of_them(world: World, gateway: GatewayProcess) -> None:
    live = "pk_live_0123456789"
    shown = (
        make_project_key(live, created_at=1_760_000_000.0, expires_at=4_000_000_000.0),
        make_project_key("brought_key_9876", name="old", origin="Brought"),
    )
    customer = make_project(keys=shown)
    await world.apply(customer)
    async with visiting(gateway.base_url, live, language="tr") as visitor:
        page = (await visitor.get("/dashboard/keys")).body.decode()
        assert shown[0].masked in page
        assert live not in page
        assert "9 Eki 2025" in page
        assert f"/dashboard/keys/{shown[0].id}/reset" in page
        assert shown[1].id not in page, "a key that somebody brought can't be changed here"


async def test_whoever_resets_its_own_key_sees_the_new_one_once_and_goes_on(
    world: World, gateway: GatewayProcess, encryption_keys: str
) -> None:
    customer, fresh_key = make_project(), "pk_live_the_new_one_4711"
    await world.apply(customer)
    async with (
        visiting(gateway.base_url, customer.live) as visitor,
        visiting(gateway.base_url, customer.live) as elsewhere,
    ):
        place = await _ask_reset(visitor, customer)
        assert "refresh" in (await visitor.get(place)).body.decode()
        requests = KeyRequests(world.redis, Keyring.parse(encryption_keys))
        [asked] = await _of(requests, customer)
        assert (asked.action, asked.key, asked.asked_by) == ("Reset", "live", customer.project.keys[0].id)
        renewed = make_project_key(fresh_key, id=customer.project.keys[0].id)
        await world.apply(customer.project.model_copy(update={"keys": (renewed,)}))
        await requests.answer(asked, KeyAnswer("Done", "Key 'live' was reset.", fresh_key))
        assert (await elsewhere.get(place)).status == 303
        before = dict(visitor.cookies)
        assert fresh_key in (await visitor.get(place)).body.decode()
        assert visitor.cookies != before
        again = await visitor.get(place)
        assert (again.status, fresh_key in again.body.decode()) == (200, False)
        assert (await visitor.get("/dashboard")).status == 200
    assert fresh_key not in gateway.log


async def test_a_test_key_changes_no_key_that_costs_money(world: World, gateway: GatewayProcess) -> None:
    customer = make_project(most_self_made=2)
    await world.apply(customer)
    live, test = customer.project.keys
    async with visiting(gateway.base_url, customer.test) as visitor:
        assert (await visitor.get(f"/dashboard/keys/{live.id}/reset")).status == 404
        assert (await visitor.get(f"/dashboard/keys/{test.id}/reset")).status == 200
        proof = await visitor.proof()
        assert (await visitor.post("/dashboard/keys", {"proof": proof, "name": "more"})).status == 403


@pytest.mark.parametrize("name", ["", "Ab", "-a", "a-", "ş", "a" * 41, "a b", "live"])
async def test_a_name_that_can_not_be_is_refused_with_a_sentence(
    world: World, gateway: GatewayProcess, name: str
) -> None:
    customer = make_project(most_self_made=2)
    await world.apply(customer)
    async with visiting(gateway.base_url, customer.live) as visitor:
        reply = await visitor.post("/dashboard/keys", {"proof": await visitor.proof(), "name": name})
        assert (reply.status, 'role="alert"' in reply.body.decode()) == (400, True)


async def test_havuz_up_makes_resets_and_revokes_what_the_pages_ask_for(served: Local) -> None:
    manifest = served.manifests / "40-project.yaml"
    manifest.write_text(manifest.read_text() + "  selfService: {maxKeys: 1}\n")
    await served.printed("revision 2 is served")
    async with visiting(served.base_url, served.environment()["OPENAI_API_KEY"]) as visitor:
        asked = await visitor.post("/dashboard/keys", {"proof": await visitor.proof(), "name": "nightly"})
        made = await _shown(visitor, asked.headers["location"])
        async with visiting(served.base_url, made) as other:
            own = hashlib.sha256(made.encode()).hexdigest()[:16]
            page = (await other.get("/dashboard/keys")).body.decode()
            key_id = re.findall(r"/dashboard/keys/([^/]+)/revoke", page)
            assert len(key_id) == 1, f"{own}: {page}"
            asked = await other.post(f"/dashboard/keys/{key_id[0]}/reset", {"proof": await other.proof()})
            renewed = await _shown(other, asked.headers["location"])
            assert renewed != made
            assert (await other.get("/dashboard")).status == 200
            await other.post(f"/dashboard/keys/{key_id[0]}/revoke", {"proof": await other.proof()})
            async with asyncio.timeout(20):
                while (await other.get("/dashboard")).status == 200:
                    await asyncio.sleep(0.1)


async def _ask_reset(visitor: Visitor, customer: Customer) -> str:
    key = customer.project.keys[0]
    path = f"/dashboard/keys/{key.id}/reset"
    assert (await visitor.get(path)).status == 200
    asked = await visitor.post(path, {"proof": await visitor.proof(path)})
    assert asked.status == 303, asked.body.decode()
    return asked.headers["location"]


async def _of(requests: KeyRequests, customer: Customer) -> list[KeyRequest]:
    return [one for one in await requests.pending() if one.project_uid == customer.project.uid]


async def _shown(visitor: Visitor, place: str) -> str:
    """The new key, once the page shows it."""
    async with asyncio.timeout(20):
        while True:
            page = (await visitor.get(place)).body.decode()
            found = re.search(r'id="new-key" value="([^"]+)"', page)
            if found is not None:
                return unescape(found[1])
            assert "refresh" in page, page
            await asyncio.sleep(0.1)
