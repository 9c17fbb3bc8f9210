"""Money in the snapshot: amounts become nanos, and what lacks a price is said on both sides."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from harness.manifests import model_route, project, upstream_key
from havuz_contract.compiler.compile import Compiled, Resources
from havuz_contract.compiler.compile import compile as compile_snapshot
from havuz_contract.snapshot import prices
from havuz_contract.snapshot.models import Limits, Monthly, Operation, Price, Route
from havuz_contract.v1alpha1.meta import KubeObject
from havuz_contract.v1alpha1.modelroute import ModelRoute
from havuz_contract.v1alpha1.project import Project

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SECRETS = {("default", "provider-keys"): {"a": "sk-a", "b": "sk-b"}}
UNIT = 1_000_000_000
USD = {"unit": "USD", "input": "1", "output": "2"}
PREPAID = {"plan": "Prepaid"}


def compiled(routes: Sequence[ModelRoute] = (), projects: Sequence[Project] = ()) -> Compiled:
    keys = [upstream_key("a"), upstream_key("b", secretRef={"name": "provider-keys", "key": "b"})]
    return compile_snapshot(Resources(upstream_keys=keys, model_routes=routes, projects=projects), SECRETS, NOW)


def priced(result: Compiled, source: KubeObject) -> tuple[str, str] | None:
    verdict = result.statuses[source.ref].condition("Priced")
    return verdict and (verdict.status, verdict.message)


def test_prices_are_nanos_and_what_is_not_said_is_not_zero() -> None:
    route = model_route(prices=[{"unit": "USD", "input": "0.15", "output": "0.60", "cacheWrite": "0"}])
    (price,) = compiled([route]).snapshot.routes[route.uid].prices
    assert price == Price(unit="USD", input=150_000_000, output=600_000_000, cache_write=0)
    assert price.cached_input is None


def test_a_target_may_have_prices_of_its_own() -> None:
    route = model_route(
        prices=[USD],
        targets=[
            {"keys": {"names": ["a"]}},
            {"keys": {"names": ["b"]}, "prices": [{"unit": "USD", "perRequest": "3"}]},
        ],
    )
    part = compiled([route]).snapshot.routes[route.uid]
    found = [prices.price_in("USD", of=part, at=target) for target in part.targets]
    assert found == [Price(unit="USD", input=UNIT, output=2 * UNIT), Price(unit="USD", per_request=3 * UNIT)]
    assert prices.price_in("credits", of=part, at=part.targets[1]) is None


def test_how_a_project_pays_and_what_limits_it_reach_the_gateway() -> None:
    shop = project(
        keys=[{"name": "live", "limits": {"concurrency": 2, "maxTokensPerRequest": 100}}],
        billing={
            "plan": "Monthly",
            "monthly": {"allowance": "100.5", "anchorDay": 31, "timeZone": "Europe/Istanbul"},
            "credits": [{"id": "welcome", "amount": "0.000000001"}],
            "onMeterDown": "Serve",
            "onDisconnect": "Drain",
            "drainTimeout": "1m30s",
        },
        limits={"requestsPerMinute": 60, "spendPerDay": "9"},
    )
    part = compiled(projects=[shop]).snapshot.projects[shop.uid]
    assert part.billing.monthly == Monthly(
        allowance=100_500_000_000, anchor_day=31, time_zone="Europe/Istanbul", rollover=False
    )
    assert (part.billing.plan, part.billing.credits) == ("Monthly", {"welcome": 1})
    assert (part.billing.on_meter_down, part.billing.on_disconnect, part.billing.drain_seconds) == (
        "Serve",
        "Drain",
        90,
    )
    assert part.limits == Limits(requests_per_minute=60, spend_per_day=9 * UNIT)


def test_limits_of_a_key_reach_the_gateway() -> None:
    shop = project(keys=[{"name": "own", "secretRef": {"name": "brought", "key": "k"}, "limits": {"concurrency": 2}}])
    secrets = {("default", "brought"): {"k": "sk-gb-customer-1234567890"}}
    part = compile_snapshot(Resources(projects=[shop]), secrets, NOW).snapshot.projects[shop.uid]
    assert part.keys[0].limits == Limits(concurrency=2)


@pytest.mark.parametrize("name", ["Mars/Olympus", "Europe"])
def test_a_time_zone_that_does_not_exist_is_refused(name: str) -> None:
    shop = project(billing={"plan": "Monthly", "monthly": {"allowance": "1", "timeZone": name}})
    result = compiled(projects=[shop])
    accepted = result.statuses[shop.ref].condition("Accepted")
    assert result.snapshot.projects == {}
    assert accepted is not None
    assert accepted.reason == "Invalid"
    assert accepted.message.startswith(f"spec.billing.monthly.timeZone {name!r} is no time zone")


def test_a_route_without_the_units_price_is_said_on_both_sides() -> None:
    route, shop = model_route(prices=[USD]), project(billing=PREPAID | {"unit": "credits"})
    result = compiled([route], [shop])
    assert priced(result, route) == (
        "False",
        "no price in 'credits', so that projects which pay in it are not offered the model; add it to spec.prices",
    )
    assert priced(result, shop) == (
        "False",
        "what has no price in 'credits' is not offered: 'gpt'; add it to their ModelRoutes, or deny them",
    )
    assert {route.uid, shop.uid} <= {*result.snapshot.routes, *result.snapshot.projects}
    assert all(status.obstacle is None for status in result.statuses.values())


def test_a_route_with_a_price_in_every_unit_that_is_asked_for_is_priced() -> None:
    route = model_route(prices=[USD, {"unit": "credits", "perRequest": "1"}])
    shops = [project("one", billing=PREPAID), project("two", billing=PREPAID | {"unit": "credits"})]
    result = compiled([route], shops)
    assert priced(result, route) == ("True", "The model has a price in 'USD' and 'credits'.")
    assert priced(result, shops[0]) == ("True", "Every model that the project may use has a price in 'USD'.")


def test_a_price_of_only_some_operations_names_the_others() -> None:
    route = model_route(operations=["chat", "embeddings"], prices=[{"unit": "USD", "input": "1"}])
    found = priced(compiled([route], [project(billing=PREPAID)]), route)
    assert found is not None
    assert found[1].startswith("no price for 'chat' in 'USD'")


def test_nobody_asks_for_a_price_where_nobody_pays() -> None:
    route, shop = model_route(), project()
    result = compiled([route], [shop])
    assert (priced(result, route), priced(result, shop)) == (None, None)


@pytest.mark.parametrize("models", [{"deny": ["gpt"]}, {"allow": ["o1"]}])
def test_a_price_is_not_missing_of_a_model_that_the_project_may_not_use(models: dict[str, Any]) -> None:
    shop = project(billing=PREPAID, models=models)
    assert priced(compiled([model_route()], [shop]), shop) == (
        "True",
        "Every model that the project may use has a price in 'USD'.",
    )


def test_a_price_is_not_missing_of_a_route_that_the_project_does_not_see() -> None:
    shop = project(billing=PREPAID, metadata={"namespace": "elsewhere"})
    route = model_route()
    result = compiled([route], [shop])
    assert priced(result, route) is None
    assert priced(result, shop) == ("True", "Every model that the project may use has a price in 'USD'.")


def test_a_long_list_of_unpriced_models_is_cut_short() -> None:
    routes = [model_route(f"m{number}") for number in range(9)]
    found = priced(compiled(routes, [project(billing=PREPAID)]), project(billing=PREPAID))
    assert found is not None
    assert "'m4', …;" in found[1]


@pytest.mark.parametrize(
    ("price", "covered"),
    [
        ({"per_request": 0}, ["chat", "embeddings", "image", "speech", "transcription"]),
        ({"input": 1, "output": 0}, ["chat", "embeddings", "image", "speech", "transcription"]),
        ({"input": 1}, ["embeddings"]),
        ({"output": 1}, []),
        ({"cached_input": 1, "cache_write": 1}, []),
        ({"per_image": 1}, ["image"]),
        ({"per_million_characters": 1}, ["speech"]),
        ({"per_minute_audio": 1}, ["transcription"]),
    ],
)
def test_a_price_covers_what_leaves_no_hole(price: dict[str, int], covered: list[Operation]) -> None:
    every: tuple[Operation, ...] = ("chat", "embeddings", "image", "speech", "transcription")
    assert [one for one in every if prices.covers(Price(unit="USD", **price), one)] == covered


def test_a_route_without_targets_is_judged_by_its_own_prices() -> None:
    route = Route(uid="r", name="ai/r", model="m", prices=(Price(unit="USD", per_request=1),))
    assert (prices.missing("USD", route), prices.missing("EUR", route)) == ([], ["chat"])
