"""Rotation by annotation: both keys are served during the grace, then one; whoever restarts in between."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from harness.cluster.cluster import Cluster
from harness.cluster.operator import OperatorProcess
from harness.gateway import GatewayProcess

PROJECT = """
apiVersion: havuz.dev/v1alpha1
kind: Project
metadata: {name: shop, annotations: {havuz.dev/rotate-key: "ROTATE"}}
spec:
  rotationGrace: GRACE
  keys: [{name: live}, {name: own, secretRef: {name: brought, key: k}}]
"""
BROUGHT = "apiVersion: v1\nkind: Secret\nmetadata: {name: brought}\nstringData: {k: sk-customer-0123456789}"
Gateways = tuple[GatewayProcess, ...]

pytestmark = pytest.mark.usefixtures("operator")


def _apply(cluster: Cluster, namespace: str, *, rotate: str, grace: str) -> None:
    manifests = f"{BROUGHT}\n---\n{PROJECT.replace('ROTATE', rotate).replace('GRACE', grace)}"
    cluster.apply(manifests, namespace=namespace)


def _wait(cluster: Cluster, namespace: str, condition: str) -> None:
    cluster.kubectl("--namespace", namespace, "wait", f"--for=condition={condition}", "project/shop", "--timeout=30s")


def _live(cluster: Cluster, namespace: str) -> dict[str, Any]:
    status = cluster.get("project", "shop", "--namespace", namespace)["status"]
    return next(key for key in status["keys"] if key["name"] == "live")


def _key(cluster: Cluster, namespace: str) -> str:
    return cluster.secret(namespace, "shop-live")["key"]


def _events(cluster: Cluster, namespace: str, reason: str) -> list[str]:
    events = cluster.get("events", "--namespace", namespace)["items"]
    return [event["message"] for event in events if event["reason"] == reason]


def test_both_keys_are_served_until_the_grace_ends_although_the_operator_restarts(
    cluster: Cluster, operator: OperatorProcess, gateways: Gateways, namespace: str
) -> None:
    _apply(cluster, namespace, rotate="live=1", grace="20s")
    _wait(cluster, namespace, "Programmed")
    old, shown = _key(cluster, namespace), _live(cluster, namespace)
    _apply(cluster, namespace, rotate="live=2", grace="20s")
    cluster.eventually(lambda: _key(cluster, namespace) != old)
    new = _key(cluster, namespace)
    cluster.eventually(lambda: all(gateway.serves(new) for gateway in gateways))
    assert all(gateway.serves(old) for gateway in gateways)
    cluster.eventually(lambda: "former" in _live(cluster, namespace))
    assert (_live(cluster, namespace)["id"], _live(cluster, namespace)["former"][0]["masked"]) == (
        shown["id"],
        shown["masked"],
    )
    assert operator.stop() == 0
    cluster.eventually(lambda: not any(gateway.serves(old) for gateway in gateways))
    operator.start()
    cluster.eventually(lambda: "former" not in _live(cluster, namespace))
    assert _key(cluster, namespace) == new
    assert all(gateway.serves(new) for gateway in gateways)
    (told,) = _events(cluster, namespace, "KeyRotated")
    assert "the former key works for 20s" in told


def test_without_grace_the_former_key_ends_at_once_and_the_others_go_on(
    cluster: Cluster, gateways: Gateways, namespace: str
) -> None:
    _apply(cluster, namespace, rotate="", grace="0s")
    _wait(cluster, namespace, "Programmed")
    old = _key(cluster, namespace)
    _apply(cluster, namespace, rotate="live=now", grace="0s")
    cluster.eventually(lambda: not any(gateway.serves(old) for gateway in gateways))
    assert all(gateways[0].serves(key) for key in (_key(cluster, namespace), "sk-customer-0123456789"))


def test_a_key_ends_at_its_time_and_the_status_says_so_although_nothing_was_written(
    cluster: Cluster, gateways: Gateways, namespace: str
) -> None:
    end = (datetime.now(UTC) + timedelta(seconds=12)).isoformat(timespec="seconds")
    manifest = (
        PROJECT.replace("ROTATE", "")
        .replace("GRACE", "1h")
        .replace("{name: live}", f"{{name: live, expiresAt: '{end}'}}")
    )
    cluster.apply(f"{BROUGHT}\n---\n{manifest}", namespace=namespace)
    _wait(cluster, namespace, "Programmed")
    key = _key(cluster, namespace)
    assert gateways[0].serves(key)
    cluster.eventually(lambda: not gateways[0].serves(key))

    def told() -> bool:
        resolved = cluster.condition("project", "shop", "Resolved", namespace=namespace)
        return str(resolved["message"]).endswith("expired: live.")

    cluster.eventually(told)


def test_what_can_not_be_rotated_is_a_condition_and_an_event(
    cluster: Cluster, gateways: Gateways, namespace: str
) -> None:
    _apply(cluster, namespace, rotate="own=1, gone=1", grace="1h")
    _wait(cluster, namespace, "Rotated=False")
    refusal = cluster.condition("project", "shop", "Rotated", namespace=namespace)
    assert refusal["reason"] == "RotationRefused"
    assert "key 'own' is brought by Secret 'brought'" in refusal["message"]
    assert "key 'gone'" in refusal["message"]
    cluster.eventually(lambda: bool(_events(cluster, namespace, "RotationRefused")))
    _wait(cluster, namespace, "Programmed")
    assert gateways[0].serves("sk-customer-0123456789")


def test_a_deleted_secret_is_made_anew_with_another_key(cluster: Cluster, gateways: Gateways, namespace: str) -> None:
    _apply(cluster, namespace, rotate="live=1", grace="1h")
    _wait(cluster, namespace, "Programmed")
    old = _key(cluster, namespace)
    cluster.kubectl("--namespace", namespace, "delete", "secret", "shop-live")
    secrets = ("get", "secret", "--namespace", namespace, "--ignore-not-found", "-o", "name", "shop-live")
    cluster.eventually(lambda: cluster.kubectl(*secrets) != "")
    new = _key(cluster, namespace)
    assert new != old
    cluster.eventually(lambda: gateways[0].serves(new) and not gateways[0].serves(old))


def test_a_secret_of_somebody_else_is_not_rotated(cluster: Cluster, operator: OperatorProcess, namespace: str) -> None:
    foreign = "apiVersion: v1\nkind: Secret\nmetadata: {name: shop-live}\nstringData: {key: pk_live_of_somebody_else_1}"
    cluster.apply(foreign, namespace=namespace)
    _apply(cluster, namespace, rotate="live=1", grace="1h")
    _wait(cluster, namespace, "Rotated=False")
    assert "was not made by havuz" in cluster.condition("project", "shop", "Rotated", namespace=namespace)["message"]
    assert operator.alive()
    assert cluster.secret(namespace, "shop-live") == {"key": "pk_live_of_somebody_else_1"}


def test_a_namespace_goes_with_its_keys_although_the_operator_is_away(
    cluster: Cluster, operator: OperatorProcess
) -> None:
    name = f"gone-{uuid.uuid4().hex[:10]}"
    cluster.kubectl("create", "namespace", name)
    _apply(cluster, name, rotate="live=1", grace="1h")
    _wait(cluster, name, "Resolved")
    assert operator.stop() == 0
    try:
        _apply(cluster, name, rotate="live=2", grace="1h")
        cluster.kubectl("delete", "namespace", name, "--timeout=60s")
    finally:
        operator.start()
    assert cluster.kubectl("get", "namespace", name, "--ignore-not-found") == ""
