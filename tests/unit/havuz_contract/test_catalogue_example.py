"""The sample catalogue is accepted whole, and costs what its price list says."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.manifests import documents, made_key
from havuz_contract import project_keys
from havuz_contract.compiler.compile import Compiled, Secrets, resources_of
from havuz_contract.compiler.compile import compile as compile_snapshot
from havuz_contract.money import parse_amount
from havuz_contract.snapshot import prices
from havuz_contract.snapshot.models import Price
from havuz_contract.v1alpha1.meta import KubeObject
from havuz_contract.v1alpha1.project import Project
from havuz_contract.v1alpha1.registry import is_ours, parse

CATALOGUE = Path(__file__).parents[3] / "examples" / "catalogue"
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def compiled(*paths: Path) -> Compiled:
    written = documents(*paths)
    objects = [parse(one) for one in written if is_ours(one)]
    return compile_snapshot(resources_of(objects), secrets(objects), NOW)


def secrets(objects: list[KubeObject]) -> Secrets:
    found = {("default", "catalogue-provider"): {"OPENAI_API_KEY": "sk-test"}}
    for project in (one for one in objects if isinstance(one, Project)):
        for missing in project_keys.missing_keys(project, found):
            key = made_key(len(found), project_keys.prefix(missing.key))
            found["default", missing.secret_name] = dict(project_keys.secret_data(key, NOW))
    return found


WHOLE = sorted(CATALOGUE.glob("*.yaml"))


def test_every_condition_of_the_catalogue_is_true() -> None:
    result = compiled(*WHOLE)
    assert len(result.statuses) == 8
    assert {
        str(ref): one
        for ref, status in result.statuses.items()
        for one in (*status.conditions, status.obstacle)
        if one is not None and one.status != "True"
    } == {}


@pytest.mark.parametrize(
    ("model", "input_price", "output_price"),
    [
        ("gpt-4o-mini", "0.15", "0.60"),
        ("gpt-4o", "2.50", "10.00"),
        ("gpt-4.1", "2.00", "8.00"),
        ("gpt-4.1-mini", "0.40", "1.60"),
        ("gpt-4.1-nano", "0.10", "0.40"),
    ],
)
def test_a_model_costs_what_the_price_list_says(model: str, input_price: str, output_price: str) -> None:
    (route,) = (one for one in compiled(*WHOLE).snapshot.routes.values() if one.model == model)
    assert prices.price_in("USD", of=route, at=route.targets[0]) == Price(
        unit="USD", input=parse_amount(input_price), output=parse_amount(output_price)
    )


def test_the_two_products_are_apart_in_host_unit_and_keys() -> None:
    monthly, pack = (
        next(one for one in compiled(*WHOLE).snapshot.projects.values() if one.name == f"default/{name}")
        for name in ("monthly", "credit-pack")
    )
    assert (monthly.billing.plan, monthly.billing.unit, monthly.surface.hosts) == (
        "Monthly",
        "USD",
        ("api.example.com",),
    )
    assert (pack.billing.plan, pack.billing.unit, pack.surface.hosts) == (
        "Prepaid",
        "credits",
        ("credits.example.com",),
    )
    assert {key.sha256 for key in monthly.keys}.isdisjoint(key.sha256 for key in pack.keys)
    assert monthly.surface.protocols == ("openai_chat", "openai_responses", "anthropic")
    assert pack.surface.protocols == ("anthropic",)


@pytest.mark.parametrize("model", ["gpt-image-1.5", "realvision"])
def test_a_picture_costs_what_the_price_list_says(model: str) -> None:
    result = compiled(*WHOLE, *sorted((CATALOGUE / "images").glob("*.yaml")))
    assert [
        str(one)
        for status in result.statuses.values()
        for one in (*status.conditions, status.obstacle)
        if one is not None and one.status != "True"
    ] == []
    (route,) = (one for one in result.snapshot.routes.values() if one.model == model)
    assert route.operations == {"image"}
    assert {price.unit: price.per_image for price in route.prices} == {"USD": 1_500_000, "credits": 10_000_000_000}
