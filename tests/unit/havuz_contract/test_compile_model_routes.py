"""ModelRoutes: which keys their targets get, who sees them, and who wins a model id."""

from datetime import UTC, datetime
from typing import Any

import pytest

from harness.manifests import model_route, upstream_key
from havuz_contract.compiler.compile import ObjectStatus, Resources
from havuz_contract.compiler.compile import compile as compile_snapshot
from havuz_contract.snapshot.models import Route
from havuz_contract.v1alpha1.conditions import Condition
from havuz_contract.v1alpha1.modelroute import ModelRoute
from havuz_contract.v1alpha1.upstreamkey import UpstreamKey

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SECRETS = {("default", "provider-keys"): {"a": "sk-a"}, ("ai", "provider-keys"): {"a": "sk-b"}}
NAMESPACES = {"default": {"team": "web"}, "ai": {"team": "ml"}, "shop": {"team": "web"}}
NO_SECRET = {"name": "provider-keys", "key": "none"}


def compiled(route: ModelRoute, *keys: UpstreamKey) -> tuple[Route | None, ObjectStatus]:
    resources = Resources(upstream_keys=keys, model_routes=[route], namespaces=NAMESPACES)
    result = compile_snapshot(resources, SECRETS, NOW)
    return result.snapshot.routes.get(route.uid), result.statuses[route.ref]


def condition(status: ObjectStatus, kind: str) -> Condition:
    found = status.condition(kind)
    assert found is not None
    return found


def names(route: Route | None) -> list[list[str]]:
    assert route is not None
    return [[uid.rpartition("-")[2] for uid in target.upstreams] for target in route.targets]


def test_a_target_gets_the_keys_that_its_labels_select() -> None:
    keys = [
        upstream_key("one", metadata={"labels": {"pool": "x"}}),
        upstream_key("two", metadata={"labels": {"pool": "y"}}),
        upstream_key("three", metadata={"labels": {"pool": "x"}}),
    ]
    route, status = compiled(model_route(targets=[{"keys": {"matchLabels": {"pool": "x"}}}]), *keys)
    assert names(route) == [["one", "three"]]
    assert status.fields == {"targets": {"usable": 1, "total": 1, "summary": "1/1"}}


@pytest.mark.parametrize(
    ("expression", "selected"),
    [
        ({"operator": "In", "values": ["x", "y"]}, ["one", "two"]),
        ({"operator": "NotIn", "values": ["x"]}, ["two", "three"]),
        ({"operator": "Exists"}, ["one", "two"]),
        ({"operator": "DoesNotExist"}, ["three"]),
    ],
)
def test_label_expressions_select_as_kubernetes_selects(expression: dict[str, Any], selected: list[str]) -> None:
    keys = [
        upstream_key("one", metadata={"creationTimestamp": "2026-01-01T00:00:00Z", "labels": {"pool": "x"}}),
        upstream_key("two", metadata={"creationTimestamp": "2026-01-02T00:00:00Z", "labels": {"pool": "y"}}),
        upstream_key("three", metadata={"creationTimestamp": "2026-01-03T00:00:00Z"}),
    ]
    target = {"keys": {"matchExpressions": [{"key": "pool", **expression}]}}
    assert names(compiled(model_route(targets=[target]), *keys)[0]) == [selected]


def test_keys_of_another_namespace_are_never_selected() -> None:
    route, status = compiled(model_route(), upstream_key("a", metadata={"namespace": "ai"}))
    assert names(route) == []
    assert condition(status, "Resolved").message == (
        "target 0 has no usable key: names [a] selects no UpstreamKey in namespace 'default'"
    )


def test_a_route_without_any_key_is_served_so_that_clients_are_told_503() -> None:
    route, status = compiled(model_route())
    assert names(route) == []
    assert (status.served, condition(status, "Accepted").status) == (True, "True")
    assert (condition(status, "Resolved").status, condition(status, "Resolved").reason) == ("False", "NoKeys")
    assert status.fields["targets"]["summary"] == "0/1"


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ({"suspended": True}, "'a' is suspended"),
        ({"secretRef": NO_SECRET}, "'a' is not Resolved"),
        ({"models": ["o1*"]}, "no UpstreamKey that names [a] selects may serve model 'gpt'"),
    ],
)
def test_a_target_whose_keys_can_not_serve_says_why(key: dict[str, Any], sentence: str) -> None:
    _, status = compiled(model_route(), upstream_key(**key))
    assert sentence in condition(status, "Resolved").message


def test_a_key_serves_only_the_upstream_models_it_lists() -> None:
    keys = [upstream_key("a", models=["gpt-*-mini"]), upstream_key("b", models=["*"])]
    target = {"keys": {"names": ["a", "b"]}}
    route, _ = compiled(model_route(targets=[target | {"model": "gpt-4o-mini"}, target | {"model": "gpt-4o"}]), *keys)
    assert names(route) == [["a", "b"], ["b"]]


def test_a_mock_without_secret_never_stands_in_beside_a_real_key() -> None:
    keys = [upstream_key("a"), upstream_key("b", secretRef=NO_SECRET, withoutSecret="Mock")]
    targets = [{"keys": {"names": ["a", "b"]}}, {"keys": {"names": ["b"]}, "priority": 1}]
    route, status = compiled(model_route(targets=targets), *keys)
    assert names(route) == [["a"]]
    assert "never stands in beside a real provider" in condition(status, "Resolved").message


def test_a_mode_answers_from_no_mock_either_where_the_route_is_real() -> None:
    keys = [upstream_key("a"), upstream_key("b", secretRef=NO_SECRET, withoutSecret="Mock")]
    route, _ = compiled(model_route(modes={"think": {"targets": [{"keys": {"names": ["b"]}}]}}), *keys)
    assert route is not None
    assert [target.upstreams for target in route.modes["think"].targets] == [()]


def test_mocks_serve_a_route_that_has_nothing_else() -> None:
    key = upstream_key("b", secretRef=NO_SECRET, withoutSecret="Mock")
    route, status = compiled(model_route(targets=[{"keys": {"names": ["b"]}}]), key)
    assert names(route) == [["b"]]
    assert condition(status, "Resolved").status == "True"


@pytest.mark.parametrize(
    ("exposure", "groups"),
    [
        ({}, ("default",)),
        ({"namespaces": "All"}, None),
        ({"namespaces": "Selector", "selector": {"matchLabels": {"team": "web"}}}, ("default", "shop")),
        ({"namespaces": "Selector", "selector": {}}, ("ai", "default", "shop")),
    ],
)
def test_a_route_is_shown_to_the_namespaces_that_it_says(exposure: dict[str, Any], groups: Any) -> None:
    route, _ = compiled(model_route(exposeTo=exposure))
    assert route is not None
    assert route.groups == groups


@pytest.mark.parametrize("operation", ["chat", "embeddings", "image", "speech", "transcription"])
def test_every_operation_is_served(operation: str) -> None:
    route, status = compiled(model_route(operations=[operation]), upstream_key())
    assert route is not None
    assert route.operations == {operation}
    assert condition(status, "Accepted").status == "True"


@pytest.mark.parametrize(
    "part", [{"overrides": {"model": "x"}}, {"defaults": {"stream": True}}, {"drop": ["messages"]}, {"drop": ["file"]}]
)
def test_parameters_leave_the_request_itself_alone(part: dict[str, Any]) -> None:
    target = {"keys": {"names": ["a"]}, "parameters": part}
    route, status = compiled(model_route(targets=[target]), upstream_key())
    assert route is None
    assert "which belongs to the request itself" in condition(status, "Accepted").message


def test_a_mode_keeps_a_target_without_keys_so_that_it_does_not_fall_back() -> None:
    modes = {"think": {"targets": [{"keys": {"names": ["gone"]}}], "parameters": {"overrides": {"effort": "high"}}}}
    route, status = compiled(model_route(modes=modes), upstream_key())
    assert route is not None
    assert [target.upstreams for target in route.modes["think"].targets] == [()]
    assert route.modes["think"].parameters.overrides == {"effort": "high"}
    assert "target 0 of mode 'think' has no usable key" in condition(status, "Resolved").message


def test_tools_of_a_mode_reach_the_gateways() -> None:
    route, status = compiled(model_route(modes={"deepsearch": {"tools": ["web_search"]}}), upstream_key())
    assert condition(status, "Accepted").status == "True"
    assert route is not None
    assert route.modes["deepsearch"].tools == ("web_search",)


OLD = {"creationTimestamp": "2026-01-01T00:00:00Z"}
YOUNG = {"creationTimestamp": "2026-06-01T00:00:00Z"}


def contest(first: ModelRoute, second: ModelRoute) -> list[str]:
    """The names of the routes that are served."""
    resources = Resources(model_routes=[first, second], namespaces=NAMESPACES)
    return sorted(route.name for route in compile_snapshot(resources, SECRETS, NOW).snapshot.routes.values())


def test_of_two_routes_with_one_model_id_the_older_is_served() -> None:
    young = model_route("young", metadata=YOUNG, model="gpt")
    old = model_route("old", metadata=OLD, model="x", aliases=["gpt"])
    resources = Resources(model_routes=[young, old], namespaces=NAMESPACES)
    result = compile_snapshot(resources, SECRETS, NOW)
    refusal = condition(result.statuses[young.ref], "Accepted")
    assert list(result.snapshot.routes) == [old.uid]
    assert refusal.reason == "Conflicted"
    assert refusal.message == (
        "model id 'gpt' already belongs to the older ModelRoute default/old; choose another id, or delete one"
    )


def test_routes_that_nobody_sees_together_share_a_model_id() -> None:
    here, there = model_route(metadata=OLD), model_route(metadata=YOUNG | {"namespace": "ai"})
    assert contest(here, there) == ["ai/gpt", "default/gpt"]


def test_a_route_for_all_contests_one_of_any_namespace() -> None:
    everywhere = model_route("all", metadata=YOUNG, model="gpt", exposeTo={"namespaces": "All"})
    assert contest(everywhere, model_route(metadata=OLD | {"namespace": "ai"})) == ["ai/gpt"]


def test_a_route_shown_to_nobody_contests_nothing() -> None:
    selector = {"matchLabels": {"team": "none"}}
    nowhere = model_route("none", metadata=OLD, model="gpt", exposeTo={"namespaces": "Selector", "selector": selector})
    everywhere = model_route("all", metadata=YOUNG, model="gpt", exposeTo={"namespaces": "All"})
    assert contest(nowhere, everywhere) == ["default/all", "default/none"]


def test_a_refused_route_holds_no_model_id() -> None:
    refused = model_route("refused", metadata=OLD, model="gpt", balance="Cheapest")
    assert contest(refused, model_route("good", metadata=YOUNG, model="gpt")) == ["default/good"]


def test_the_cheapest_target_is_only_known_where_each_has_a_price() -> None:
    keys, price = {"keys": {"names": ["one"]}}, [{"unit": "USD", "input": "1", "output": "2"}]
    _, status = compiled(model_route(balance="Cheapest", targets=[keys, {**keys, "prices": price}]))
    accepted = condition(status, "Accepted")
    assert (accepted.status, accepted.reason) == ("False", "Invalid")
    assert accepted.message == "spec.balance 'Cheapest' compares prices: give spec.prices, or spec.targets[0].prices"
    route, _ = compiled(model_route(balance="Cheapest", targets=[keys], prices=price), upstream_key("one"))
    assert route is not None
    assert route.balance == "Cheapest"
