"""`havuz explain`, as a person runs it: what it says of a request is what becomes of one."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.account import havuz
from harness.builders import make_project, make_route, make_target, make_upstream
from harness.caller import calling
from harness.fake_provider import FakeProvider, error
from harness.gateway import GatewayProcess
from harness.local_up import Local
from harness.pooled import Pooled, pooled
from harness.valkey import ValkeyServer
from harness.world import World
from havuz_contract.snapshot.models import Billing, Breaker, Limits, Mode, Parameters, Price, Review


@pytest.fixture
def environment(valkey: ValkeyServer, encryption_keys: str) -> dict[str, str]:
    """Where the gateways' configuration is, as a pod has it."""
    return {"HAVUZ_REDIS_URL": valkey.url, "HAVUZ_ENCRYPTION_KEYS": encryption_keys}


async def explained(environment: dict[str, str], project: str, model: str, *flags: str, code: int = 0) -> Any:
    """The explanation as JSON."""
    ended = await havuz("explain", "--project", project, "--model", model, "--json", *flags, **environment)
    assert (ended.code, ended.err) == (code, "")
    return json.loads(ended.out)


def _name(pool: Pooled) -> str:
    return next(iter(pool.world.snapshot.projects.values())).name


def _choices(told: Any) -> list[list[tuple[str, str, float]]]:
    return [[(one["key"], one["state"], one["share"]) for one in tier] for tier in told["tiers"]]


async def test_a_pool_in_health_is_told_by_tier_and_share(
    world: World, gateway: GatewayProcess, provider: FakeProvider, environment: dict[str, str]
) -> None:
    heavy, light, idle, spare = (make_upstream(provider.base_url, weight=weight) for weight in (3, 1, 0, 1))
    special = make_upstream(provider.base_url, models=("other-*",))
    parameters = Parameters(defaults={"temperature": 0.5})
    first = make_target(heavy, light, idle, special, parameters=parameters)
    second = make_target(spare, model="spare-model", priority=1)
    route, customer = make_route(first, second), make_project()
    await world.apply(heavy, light, idle, spare, special, route, customer)
    told = await explained(environment, customer.project.name, route.model)
    assert (told["answer"], told["balance"], told["revision"]) == (None, "LeastBusy", world.revision)
    assert _choices(told) == [
        [(heavy.name, "Usable", 0.75), (light.name, "Usable", 0.25)],
        [(spare.name, "Usable", 1.0)],
    ]
    sent = told["tiers"][0][0]
    assert (sent["model"], sent["protocol"], sent["parameters"]) == (
        "upstream-model", "openai_chat", {"temperature": 0.5}
    )  # fmt: skip
    assert dict(told["never"]).keys() == {idle.name, special.name}
    assert "weight 0" in dict(told["never"])[idle.name]
    assert "other-*" in dict(told["never"])[special.name]


async def test_a_key_that_a_gateway_found_refused_is_out_and_says_why(
    world: World, gateway: GatewayProcess, environment: dict[str, str]
) -> None:
    async with pooled(world, gateway) as pool:
        pool.first.script(error(401, "Incorrect API key provided"))
        await pool.ask()
        told = await explained(environment, _name(pool), pool.route.model)
        assert _choices(told) == [
            [(pool.upstreams[0].name, "Rejected", 0.0)],
            [(pool.upstreams[1].name, "Usable", 1.0)],
        ]
        [said] = told["tiers"][0][0]["told"]
        assert (said["gateway"], said["status"], said["scope"]) == (gateway.gateway_id, 401, "key")
        assert "Incorrect API key" in said["message"]
        text = await havuz("explain", "--project", _name(pool), "--model", pool.route.model, **environment)
        assert "tier 1: nobody can be asked" in text.out
        assert "tier 2: asked first" in text.out
        assert "until" in text.out


async def test_a_breaker_of_one_gateway_is_told_and_not_taken_over(
    world: World, gateway: GatewayProcess, environment: dict[str, str]
) -> None:
    async with pooled(world, gateway, breaker=Breaker(failures=1, open_for=60)) as pool:
        pool.first.script(error(500))
        await pool.ask()
        told = await explained(environment, _name(pool), pool.route.model)
        one = told["tiers"][0][0]
        assert (one["state"], one["share"]) == ("Usable", 1.0)
        assert [(said["state"], said["gateway"]) for said in one["told"]] == [("Open", gateway.gateway_id)]


@pytest.mark.parametrize(
    ("limits", "state"),
    [
        pytest.param(Limits(requests_per_minute=1), 429, id="requests"),
        pytest.param(Limits(tokens_per_minute=1), 429, id="tokens"),
        pytest.param(Limits(spend_per_day=1), 503, id="spend"),
    ],
)
async def test_a_key_at_a_limit_of_its_own_is_out_and_the_answer_is_the_one_a_client_gets(
    world: World, gateway: GatewayProcess, provider: FakeProvider, environment: dict[str, str], limits: Limits,
    state: int,
) -> None:  # fmt: skip
    upstream = make_upstream(provider.base_url, limits=limits)
    price = Price(unit="USD", per_request=1)
    route, customer = make_route(make_target(upstream), prices=(price,)), make_project()
    await world.apply(upstream, route, customer)
    body = {"model": route.model, "messages": [{"role": "user", "content": "x"}]}
    async with calling(gateway.base_url, customer.live) as caller:
        assert (await caller.post("/v1/chat/completions", body)).status == 200
        told = await explained(environment, customer.project.name, route.model, code=1)
        refused = await caller.post("/v1/chat/completions", body)
    assert _choices(told) == [[(upstream.name, "Limited", 0.0)]]
    assert (told["answer"]["status"], told["answer"]["type"]) == (state, refused.error["type"])
    assert (refused.status, refused.error["message"]) == (state, told["answer"]["message"])


async def test_what_stands_in_the_way_of_a_project_is_told_with_its_status(
    world: World, gateway: GatewayProcess, provider: FakeProvider, environment: dict[str, str]
) -> None:
    upstream = make_upstream(provider.base_url)
    route = make_route(make_target(upstream), modes={"think": Mode(parameters=Parameters(overrides={"top_p": 0.1}))})
    prepaid = Billing(unit="USD", plan="Prepaid")
    poor, barred, halted, reviewed = (
        make_project(billing=prepaid),
        make_project(deny=("*",)),
        make_project(suspended=True),
        make_project(allow=(), review=Review(until=4_000_000_000.0, models=("*",))),
    )
    await world.apply(upstream, route, poor, barred, halted, reviewed)
    for customer, status, kind in (
        (poor, 402, "price_missing"), (barred, 403, "permission_error"), (halted, 403, "permission_error"),
    ):  # fmt: skip
        told = await explained(environment, customer.project.uid, route.model, code=1)
        assert (told["answer"]["status"], told["answer"]["type"]) == (status, kind)
    told = await explained(environment, reviewed.project.name, route.model, "--mode", "think")
    assert (told["answer"], told["review_until"][:4], told["modes"]) == (None, "2096", ["think"])
    assert told["tiers"][0][0]["parameters"] == {"top_p": 0.1}


async def test_a_client_of_another_protocol_is_told_what_is_translated(
    world: World, gateway: GatewayProcess, provider: FakeProvider, environment: dict[str, str]
) -> None:
    upstream = make_upstream(provider.base_url, provider="anthropic")
    route, customer = make_route(make_target(upstream, model="claude-haiku-4-5")), make_project()
    await world.apply(upstream, route, customer)
    told = await explained(environment, customer.project.name, route.model)
    [[one]] = told["tiers"]
    assert (one["protocol"], one["provider"]) == ("anthropic", "anthropic")
    assert one["parameters"]["max_tokens"] > 0


async def test_a_wrong_call_ends_with_2_and_a_sentence(
    world: World, gateway: GatewayProcess, environment: dict[str, str], encryption_keys: str, tmp_path: Path
) -> None:
    customer, route = await world.serve()
    other = make_route(make_target(*world.snapshot.upstreams.values()), groups=("staff",))
    await world.apply(other)
    asked = ("explain", "--project", customer.project.name, "--model")
    keyless = {"HAVUZ_REDIS_URL": environment["HAVUZ_REDIS_URL"]}
    for arguments, given, sentence in (
        (("explain", "--project", "default/none", "--model", route.model), environment, "no project 'default/none'"),
        ((*asked, "none"), environment, "there is no model 'none'"),
        ((*asked, other.model), environment, "is for the groups staff"),
        ((*asked, route.model, "--key", "none"), environment, "has no key 'none'"),
        ((*asked, route.model, "--protocol", "gemini", "--operation", "embeddings"), environment, "has no embeddings"),
        ((*asked, route.model), keyless, "can't be opened without encryption keys"),
        ((*asked, route.model), keyless | {"HAVUZ_ENCRYPTION_KEYS": "x"}, "encryption_keys"),
    ):
        ended = await havuz(*arguments, cwd=str(tmp_path), **given)
        assert (ended.code, ended.out) == (2, ""), arguments
        assert sentence in ended.err, arguments


async def test_it_finds_a_local_mode_by_itself(served: Local) -> None:
    ended = await havuz("explain", "--project", "default/demo", "--model", "gpt-4o-mini", cwd=str(served.folder))
    assert (ended.code, ended.err) == (0, "")
    assert "100.0%  default/openai → gpt-4o-mini (mock" in ended.out
