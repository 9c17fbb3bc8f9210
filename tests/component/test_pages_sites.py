"""What the pages show on which host, what they believe of a proxy, and how often a key may be guessed."""

from pathlib import Path

import pytest

from harness.builders import make_project
from harness.fixtures import StartGateway
from harness.gateway import GatewayProcess
from harness.visitor import visiting
from harness.world import World
from havuz_contract.settings import SettingsError
from havuz_contract.snapshot.models import Surface
from havuz_gateway.surfaces.pages.sites import Sites

SITES = """
default: null
sites:
- hosts: [panel.monthly.example]
  name: Monthly AI
  accent: "#7a1fa2"
  baseURL: https://api.monthly.example
  links: {topUp: "https://monthly.example/plans", support: "mailto:help@monthly.example"}
- hosts: ["*.packs.example"]
  name: Credit Packs
  logoText: CP
"""


@pytest.fixture
def sites(tmp_path: Path) -> Path:
    path = tmp_path / "sites.yaml"
    path.write_text(SITES)
    return path


async def test_two_products_of_one_installation_each_have_their_own_face(
    world: World, start_gateway: StartGateway, sites: Path
) -> None:
    gateway = start_gateway(pages_sites_file=str(sites))
    world.gateways.append(gateway)
    monthly = make_project(surface=Surface(hosts=("api.monthly.example",)))
    packs = make_project(surface=Surface(hosts=("anthropic.packs.example",)))
    await world.apply(monthly, packs)
    async with (
        visiting(gateway.base_url, host="panel.monthly.example") as one,
        visiting(gateway.base_url, host="anthropic.packs.example") as other,
        visiting(gateway.base_url, host="elsewhere.example") as stranger,
    ):
        pages = [(await visitor.get("/dashboard/sign-in")).body.decode() for visitor in (one, other)]
        assert ["Monthly AI" in page for page in pages] == [True, False]
        assert ["Credit Packs" in page for page in pages] == [False, True]
        assert "mailto:help@monthly.example" in pages[0]
        assert (await stranger.get("/dashboard/sign-in")).status == 404
        await one.sign_in(monthly.live)  # whose keys work where this site's API is
        await other.sign_in(packs.live)
        wrong = await other.post("/dashboard/sign-in", {"key": monthly.live})
        assert wrong.status == 403, "a key of one product is nothing on the other's pages"
        account = (await one.get("/dashboard/account")).body.decode()
        assert "https://api.monthly.example/v1" in account
        assert "https://monthly.example/plans" in account


async def test_what_a_proxy_says_is_believed_as_far_as_there_are_proxies(
    world: World, start_gateway: StartGateway, gateway: GatewayProcess
) -> None:
    behind = start_gateway(pages_proxies="1")
    world.gateways.append(behind)
    customer = make_project()
    await world.apply(customer)
    told = {"x-forwarded-proto": "https"}
    async with visiting(behind.base_url) as visitor, visiting(gateway.base_url) as direct:
        secure = await visitor.post("/dashboard/sign-in", {"key": customer.live}, **told)
        assert "Secure" in secure.headers["set-cookie"].split("; ")
        assert secure.headers["set-cookie"].startswith("__Secure-havuz_session=")
        assert (await visitor.get("/dashboard", **told)).status == 200
        plain = await direct.post("/dashboard/sign-in", {"key": customer.live}, **told)
        assert "Secure" not in plain.headers["set-cookie"].split("; ")
        guesser = {**told, "x-forwarded-for": "10.0.0.1, 203.0.113.7"}
        tries = [await visitor.post("/dashboard/sign-in", {"key": f"guess-{n}"}, **guesser) for n in range(12)]
        assert [one.status for one in tries] == [403] * 10 + [429] * 2
        locked = await visitor.post("/dashboard/sign-in", {"key": customer.live}, **guesser)
        assert locked.status == 429, "even the right key: else guessing would only be slower"
        other = {**told, "x-forwarded-for": "203.0.113.7, 203.0.113.8"}
        assert (await visitor.post("/dashboard/sign-in", {"key": customer.live}, **other)).status == 303


async def test_without_pages_their_paths_are_as_any_other(start_gateway: StartGateway) -> None:
    gateway = start_gateway(pages="false")
    async with visiting(gateway.base_url) as visitor:
        reply = await visitor.get("/dashboard")
        assert (reply.status, reply.error["type"]) == (404, "not_found_error")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('sites: [{hosts: [a.example], accent: "#ffcc00"}]', "can't be read on a light page: take one as dark as #"),
        ("sites: [{hosts: []}]", "hosts"),
        ('sites: [{hosts: [a.example], links: {topUp: "javascript:alert(1)"}}]', "links.topUp"),
        ("sites: [{hosts: [a.example], colour: red}]", "colour"),
        ("sites: [", "can't be read"),
    ],
    ids=["pale", "hosts", "link", "unknown", "yaml"],
)
def test_a_wrong_file_of_sites_is_refused_with_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "sites.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError) as refused:
        Sites.read(path)
    assert said in str(refused.value)
