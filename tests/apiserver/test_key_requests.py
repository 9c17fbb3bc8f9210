"""What customers ask of their keys in the dashboard: the operator does it with the chart's rights, and nothing more."""

import asyncio
import json
import uuid
from typing import Any

import pytest
from redis.asyncio import Redis

from harness.cluster.cluster import Cluster
from harness.cluster.installation import Installation
from harness.cluster.operator import OperatorProcess
from harness.gateway import GatewayProcess
from havuz_contract.key_requests import KeyAnswer, KeyRequest, KeyRequests
from havuz_contract.snapshot.envelope import Keyring

PROJECT = """
apiVersion: v1
kind: Secret
metadata: {name: brought}
stringData: {k: sk-customer-UNIQUE-0123456789}
---
apiVersion: havuz.dev/v1alpha1
kind: Project
metadata: {name: shop}
spec:
  selfService: {maxKeys: 1}
  keys: [{name: live}, {name: own, secretRef: {name: brought, key: k}}]
"""
Gateways = tuple[GatewayProcess, ...]

pytestmark = pytest.mark.usefixtures("operator")


class Dashboard:
    """A signed-in customer of the Project `shop`, with the Redis user of the gateways."""

    def __init__(self, cluster: Cluster, installation: Installation, namespace: str) -> None:
        self._redis_url = installation.gateway_redis
        self._keyring = Keyring.parse(installation.encryption_keys)
        self._project = cluster.get("project", "shop", "--namespace", namespace)
        self._namespace = namespace

    def ask(self, action: Any, key: str, *, by: str = "live") -> KeyRequest:
        """Leave a request."""
        asked_by = next(one["id"] for one in self._project["status"]["keys"] if one["name"] == by)
        request = KeyRequest(
            id=uuid.uuid4().hex,
            action=action,
            project_uid=self._project["metadata"]["uid"],
            namespace=self._namespace,
            project="shop",
            key=key,
            asked_at=2e9,
            asked_by=asked_by,
        )
        asyncio.run(self._said(lambda desk: desk.ask(request)))
        return request

    def answered(self, request: KeyRequest) -> KeyAnswer:
        """The answer, waited for."""

        async def wait(desk: KeyRequests) -> KeyAnswer:
            async with asyncio.timeout(30):
                while True:
                    answer = await desk.take(request.project_uid, request.id)
                    if answer is not None and answer.state != "Waiting":
                        return answer
                    await asyncio.sleep(0.05)

        found: KeyAnswer = asyncio.run(self._said(wait))
        return found

    async def _said(self, what: Any) -> Any:
        async with Redis.from_url(self._redis_url) as client:
            return await what(KeyRequests(client, self._keyring))


@pytest.fixture
def dashboard(cluster: Cluster, installation: Installation, gateways: Gateways, namespace: str) -> Dashboard:
    assert len(gateways) == 2
    cluster.apply(PROJECT.replace("UNIQUE", namespace), namespace=namespace)
    wait = ("wait", "--for=condition=Programmed", "project/shop", "--timeout=30s")
    cluster.kubectl("--namespace", namespace, *wait)
    return Dashboard(cluster, installation, namespace)


def _events(cluster: Cluster, namespace: str) -> list[str]:
    return [event["reason"] for event in cluster.get("events", "--namespace", namespace)["items"]]


def _names(cluster: Cluster, namespace: str) -> dict[str, bool]:
    status = cluster.get("project", "shop", "--namespace", namespace)["status"]
    return {key["name"]: key.get("selfMade", False) for key in status["keys"]}


def test_a_reset_ends_the_old_key_at_once_and_its_answer_comes_when_every_gateway_takes_the_new_one(
    cluster: Cluster, gateways: Gateways, namespace: str, dashboard: Dashboard
) -> None:
    old = cluster.secret(namespace, "shop-live")["key"]
    answer = dashboard.answered(dashboard.ask("Reset", "live"))
    assert answer.key == cluster.secret(namespace, "shop-live")["key"] != old
    assert all(gateway.serves(answer.key) and not gateway.serves(old) for gateway in gateways)
    cluster.eventually(lambda: "KeyReset" in _events(cluster, namespace))


def test_a_key_that_the_customer_made_outlives_whatever_is_applied_and_ends_when_it_is_revoked(
    cluster: Cluster, gateways: Gateways, namespace: str, dashboard: Dashboard
) -> None:
    made = dashboard.answered(dashboard.ask("Create", "phone"))
    assert made.key is not None
    assert all(gateway.serves(made.key) for gateway in gateways)
    cluster.apply(
        PROJECT.replace("UNIQUE", namespace).replace("[{name: live}", "[{name: live}, {name: new}"), namespace=namespace
    )
    cluster.eventually(lambda: _names(cluster, namespace) == {"live": False, "own": False, "new": False, "phone": True})
    assert all(gateway.serves(made.key) for gateway in gateways)
    assert dashboard.answered(dashboard.ask("Create", "more")).state == "Refused"
    assert dashboard.answered(dashboard.ask("Revoke", "phone")).state == "Done"
    assert not any(gateway.serves(made.key) for gateway in gateways)
    left = cluster.kubectl("--namespace", namespace, "get", "secret", "shop-phone", "--ignore-not-found")
    assert left == ""
    cluster.eventually(lambda: {"KeyMade", "KeyRevoked"} <= set(_events(cluster, namespace)))


def test_a_key_that_the_platform_team_brought_is_not_reset(
    cluster: Cluster, namespace: str, dashboard: Dashboard
) -> None:
    before = cluster.secret(namespace, "brought")
    refused = dashboard.answered(dashboard.ask("Reset", "own"))
    assert (refused.state, refused.key) == ("Refused", None)
    assert "only they can change it" in refused.reason
    assert cluster.secret(namespace, "brought") == before


def test_a_request_waits_for_an_operator_that_is_away_and_is_done_once(
    cluster: Cluster, operator: OperatorProcess, namespace: str, dashboard: Dashboard
) -> None:
    assert operator.stop() == 0
    try:
        request = dashboard.ask("Reset", "live")
    finally:
        operator.start()
    answer = dashboard.answered(request)
    assert answer.key == cluster.secret(namespace, "shop-live")["key"]
    assert dashboard.answered(request).key is None
    assert _events(cluster, namespace).count("KeyReset") == 1


def test_the_secret_of_a_key_that_nobody_made_in_the_dashboard_can_not_be_deleted_by_the_account(
    cluster: Cluster, installation: Installation, namespace: str, dashboard: Dashboard
) -> None:
    dashboard.answered(dashboard.ask("Create", "phone"))
    with installation.account.api() as api:

        def deleted(name: str) -> int:
            return api.delete(f"/api/v1/namespaces/{namespace}/secrets/{name}")[0]

        assert [deleted(name) for name in ("brought", "shop-live", "shop-phone")] == [422, 422, 200]
    held = json.loads(cluster.kubectl("--namespace", namespace, "get", "secrets", "-o", "json"))["items"]
    assert {one["metadata"]["name"] for one in held} == {"brought", "shop-live"}
