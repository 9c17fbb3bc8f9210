"""Conditions and Events: true when traffic says so, and a sentence for a person when not."""

import pytest

from harness.cluster.cluster import Cluster
from harness.gateway import GatewayProcess

pytestmark = pytest.mark.usefixtures("operator")

MOCK_KEY = """
apiVersion: havuz.dev/v1alpha1
kind: UpstreamKey
metadata: {name: mock, labels: {pool: mock}}
spec: {provider: mock}
"""
ROUTE = """
apiVersion: havuz.dev/v1alpha1
kind: ModelRoute
metadata: {name: NAME}
spec:
  model: MODEL
  targets: [{keys: {matchLabels: {pool: mock}}}]
"""


def _route(name: str, model: str) -> str:
    return ROUTE.replace("NAME", name).replace("MODEL", model)


def _wait(cluster: Cluster, what: str, condition: str, *, namespace: str) -> None:
    cluster.kubectl("--namespace", namespace, "wait", f"--for=condition={condition}", what, "--timeout=30s")


def test_an_object_is_programmed_only_when_every_gateway_has_loaded_it(
    cluster: Cluster, gateways: tuple[GatewayProcess, ...], namespace: str
) -> None:
    cluster.apply(MOCK_KEY, namespace=namespace)
    _wait(cluster, "upstreamkey/mock", "Programmed", namespace=namespace)
    gateways[1].pause()
    try:
        cluster.apply(_route("new", "new-model"), namespace=namespace)
        _wait(cluster, "modelroute/new", "Accepted", namespace=namespace)
        condition = cluster.condition("modelroute", "new", "Programmed", namespace=namespace)
        assert (condition["status"], condition["reason"]) == ("False", "Loading")
        assert condition["message"].startswith("1/2 gateways")
        assert cluster.condition("upstreamkey", "mock", "Programmed", namespace=namespace)["status"] == "True"
        # A gateway of which nothing is heard is not waited for forever.
        _wait(cluster, "modelroute/new", "Programmed", namespace=namespace)
        condition = cluster.condition("modelroute", "new", "Programmed", namespace=namespace)
        assert condition["message"].startswith("1/1 gateways")
    finally:
        gateways[1].resume()
    cluster.apply(_route("newer", "newer-model"), namespace=namespace)

    def both() -> bool:
        message = cluster.condition("modelroute", "newer", "Programmed", namespace=namespace).get("message", "")
        return bool(message.startswith("2/2 gateways"))

    cluster.eventually(both)


@pytest.mark.usefixtures("gateways")
def test_of_two_routes_for_one_model_the_younger_says_who_has_it(cluster: Cluster, namespace: str) -> None:
    cluster.apply(f"{MOCK_KEY}\n---\n{_route('first', 'shared')}", namespace=namespace)
    _wait(cluster, "modelroute/first", "Programmed", namespace=namespace)
    cluster.apply(_route("second", "shared"), namespace=namespace)
    _wait(cluster, "modelroute/second", "Accepted=False", namespace=namespace)
    accepted = cluster.condition("modelroute", "second", "Accepted", namespace=namespace)
    assert accepted["reason"] == "Conflicted"
    assert "first" in accepted["message"]
    assert cluster.condition("modelroute", "second", "Programmed", namespace=namespace)["reason"] == "NotAccepted"
    cluster.kubectl("--namespace", namespace, "delete", "modelroute", "first")
    _wait(cluster, "modelroute/second", "Programmed", namespace=namespace)


@pytest.mark.usefixtures("gateways")
def test_a_secret_that_appears_resolves_and_programs_the_key(cluster: Cluster, namespace: str) -> None:
    key = """
apiVersion: havuz.dev/v1alpha1
kind: UpstreamKey
metadata: {name: real}
spec: {provider: openai, secretRef: {name: later, key: token}}
"""
    cluster.apply(key, namespace=namespace)
    _wait(cluster, "upstreamkey/real", "Resolved=False", namespace=namespace)
    resolved = cluster.condition("upstreamkey", "real", "Resolved", namespace=namespace)
    assert resolved["reason"] == "SecretNotFound"
    assert "'later'" in resolved["message"]
    assert cluster.condition("upstreamkey", "real", "Programmed", namespace=namespace)["reason"] == "NotResolved"
    cluster.kubectl("--namespace", namespace, "create", "secret", "generic", "later", "--from-literal=token=sk-one")
    _wait(cluster, "upstreamkey/real", "Programmed", namespace=namespace)
    first = cluster.condition("upstreamkey", "real", "Programmed", namespace=namespace)["message"]
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: later}\nstringData: {token: sk-two}"
    cluster.apply(secret, namespace=namespace)
    # A new credential is a new revision, although the UpstreamKey itself has not changed.
    cluster.apply(_route("after", "after-model"), namespace=namespace)
    _wait(cluster, "modelroute/after", "Programmed", namespace=namespace)
    assert first


@pytest.mark.usefixtures("gateways")
def test_what_can_not_be_done_is_refused_with_a_sentence_and_an_event(cluster: Cluster, namespace: str) -> None:
    project = """
apiVersion: havuz.dev/v1alpha1
kind: Project
metadata: {name: graceful}
spec: {billing: {plan: Monthly, monthly: {allowance: "1", timeZone: Mars/Olympus}}}
"""
    cluster.apply(project, namespace=namespace)
    _wait(cluster, "project/graceful", "Accepted=False", namespace=namespace)
    accepted = cluster.condition("project", "graceful", "Accepted", namespace=namespace)
    assert accepted["reason"] == "Invalid"
    assert "spec.billing.monthly.timeZone" in accepted["message"]

    def told() -> bool:
        events = cluster.get("events", "--namespace", namespace)["items"]
        return any(
            (event["involvedObject"]["name"], event["type"], event["reason"]) == ("graceful", "Warning", "Invalid")
            for event in events
        )

    cluster.eventually(told)


@pytest.mark.usefixtures("gateways")
def test_a_secret_of_somebody_else_is_never_written_over(cluster: Cluster, namespace: str) -> None:
    foreign = "apiVersion: v1\nkind: Secret\nmetadata: {name: shop-live}\nstringData: {mine: untouched}"
    cluster.apply(foreign, namespace=namespace)
    project = """
apiVersion: havuz.dev/v1alpha1
kind: Project
metadata: {name: shop}
spec: {keys: [{name: live}, {name: other}]}
"""
    cluster.apply(project, namespace=namespace)
    _wait(cluster, "project/shop", "Resolved=False", namespace=namespace)
    assert cluster.condition("project", "shop", "Resolved", namespace=namespace)["reason"] == "KeyPending"
    assert cluster.secret(namespace, "shop-live") == {"mine": "untouched"}
    assert cluster.secret(namespace, "shop-other")["key"].startswith("pk_live_")
