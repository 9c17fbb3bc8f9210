"""`/metrics` of a real gateway."""

from prometheus_client import Metric

from harness.builders import fresh
from harness.caller import calling
from harness.fake_provider import FakeProvider, Json, error
from harness.gateway import GatewayProcess
from harness.scrape import scrape
from harness.world import World

CHAT = "/v1/chat/completions"


def _total(family: Metric, **labels: str) -> float:
    return sum(
        sample.value
        for sample in family.samples
        if sample.name.endswith(("_total", "_count", "_sum")) and labels.items() <= sample.labels.items()
    )


def _only(family: Metric, **labels: str) -> float:
    """The total of the series with exactly these labels."""
    return sum(sample.value for sample in family.samples if sample.name.endswith("_total") and sample.labels == labels)


def _body(model: str) -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": "x"}]}


async def test_requests_tokens_and_attempts_are_counted(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    customer, route = await world.serve(provider.base_url, provider.base_url)
    provider.script(error(500), Json())
    async with calling(gateway.base_url, customer.live) as caller:
        assert (await caller.post(CHAT, _body(route.model))).status == 200
    seen = await scrape(gateway)
    model = {"gen_ai_request_model": route.model}
    assert _total(seen["havuz_requests"], http_response_status_code="200", **model) == 1
    assert _total(seen["gen_ai_client_operation_duration_seconds"], **model) > 1  # the count, and some time
    assert _total(seen["gen_ai_client_token_usage"], gen_ai_token_type="output", **model) > 1
    keys = {upstream.name for upstream in world.snapshot.upstreams.values()}
    verdicts = {
        sample.labels["havuz_verdict"]: sample.value
        for sample in seen["havuz_attempts"].samples
        if sample.labels["havuz_upstream_key"] in keys
    }
    assert verdicts == {"ServerError": 1, "ok": 1}


async def test_requests_that_need_no_upstream_are_counted_by_path_and_status(
    world: World, gateway: GatewayProcess
) -> None:
    customer, route = await world.serve()

    async def counted() -> dict[str, float]:
        family = (await scrape(gateway)).get("havuz_requests")
        return {
            name: 0.0 if family is None else _only(family, **labels)
            for name, labels in {
                "list": {"http_route": "/v1/models", "http_response_status_code": "200"},
                "model": {"http_route": "/v1/models/", "http_response_status_code": "200"},
                "missing": {"http_route": "/v1/models/", "http_response_status_code": "404"},
                "nowhere": {"http_response_status_code": "404"},
            }.items()
        }

    before = await counted()
    async with calling(gateway.base_url, customer.live) as caller:
        for path in ("/v1/models", f"/v1/models/{route.model}", f"/v1/models/{fresh('junk')}", f"/{fresh('junk')}"):
            await caller.get(path)
    after = await counted()
    assert {name: after[name] - before[name] for name in after} == {"list": 1, "model": 1, "missing": 1, "nowhere": 1}


async def test_junk_from_clients_makes_no_series(world: World, gateway: GatewayProcess, provider: FakeProvider) -> None:
    customer, route = await world.serve(provider.base_url)
    junk = [fresh("junk") for _ in range(5)]
    async with calling(gateway.base_url, customer.live) as caller:
        for name in junk:
            assert (await caller.post(CHAT, _body(name))).status == 404
        provider.script(*(error(400, kind=name) for name in junk))
        for _ in junk:
            assert (await caller.post(CHAT, _body(route.model))).status == 400
    async with calling(gateway.base_url, "pk_live_junk") as caller:
        assert (await caller.post(CHAT, _body(junk[0]))).status == 401
    seen = await scrape(gateway)
    values = {value for family in seen.values() for sample in family.samples for value in sample.labels.values()}
    assert not [value for value in values if "junk" in value]
    assert _total(seen["havuz_requests"], gen_ai_request_model=route.model, error_type="_OTHER") == 5


async def test_the_configuration_in_force_is_shown(world: World, gateway: GatewayProcess) -> None:
    await world.serve()
    seen = await scrape(gateway)
    assert seen["havuz_config_revision"].samples[0].value == world.revision
    assert seen["havuz_config_age_seconds"].samples[0].value < 60
    assert seen["havuz_requests_in_flight"].samples[0].value == 0


async def test_the_pool_is_shown_as_it_stands(world: World, gateway: GatewayProcess, provider: FakeProvider) -> None:
    customer, route = await world.serve(provider.base_url, provider.base_url)
    provider.script(error(401), Json())
    async with calling(gateway.base_url, customer.live) as caller:
        assert (await caller.post(CHAT, _body(route.model))).status == 200
    seen = await scrape(gateway)
    keys = {upstream.name for upstream in world.snapshot.upstreams.values()}
    states = [
        sample.labels["havuz_upstream_key_state"]
        for sample in seen["havuz_upstream_key_status"].samples
        if sample.labels["havuz_upstream_key"] in keys
    ]
    assert sorted(states) == ["Rejected", "Usable"]
    shares = {sample.labels["gen_ai_request_model"]: sample.value for sample in seen["havuz_pool_usable"].samples}
    assert shares == {route.model: 0.5}
