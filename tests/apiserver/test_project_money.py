"""Credits applied with kubectl: in the account once, in the status and its columns, and refused in contradiction."""

from pathlib import Path
from typing import Any

import pytest
import redis

from harness.cluster.cluster import Cluster
from harness.valkey import ValkeyServer

CATALOGUE = Path(__file__).parents[2] / "examples" / "catalogue"
PROJECT = """
apiVersion: havuz.dev/v1alpha1
kind: Project
metadata: {name: shop}
spec:
  billing:
    plan: Prepaid
    credits: [{id: welcome, amount: "AMOUNT"}]
"""

pytestmark = pytest.mark.usefixtures("operator")


def _apply(cluster: Cluster, namespace: str, amount: str) -> None:
    cluster.apply(PROJECT.replace("AMOUNT", amount), namespace=namespace)


def _wait(cluster: Cluster, namespace: str, condition: str, what: str = "project/shop") -> None:
    cluster.kubectl("--namespace", namespace, "wait", f"--for=condition={condition}", what, "--timeout=30s")


def _status(cluster: Cluster, namespace: str) -> dict[str, Any]:
    status: dict[str, Any] = cluster.get("project", "shop", "--namespace", namespace)["status"]
    return status


def _events(cluster: Cluster, namespace: str) -> list[str]:
    events = cluster.get("events", "--namespace", namespace)["items"]
    ours = [event for event in events if event["involvedObject"]["kind"] == "Project"]
    return [f"{event['reason']}: {event['message']}" for event in ours]


def test_a_credit_is_applied_once_and_shown(cluster: Cluster, namespace: str) -> None:
    _apply(cluster, namespace, "25")
    _wait(cluster, namespace, "Funded")
    assert _status(cluster, namespace)["balance"] == "25"
    head, row, *_ = cluster.kubectl("--namespace", namespace, "get", "projects").splitlines()
    columns = dict(zip(head.split(), row.split(), strict=False))
    assert {"PLAN": "Prepaid", "BALANCE": "25", "SPENT": "0"}.items() <= columns.items()
    applied = "CreditApplied: Credit 'welcome' of 25 USD was applied."
    cluster.eventually(lambda: _events(cluster, namespace).count(applied) == 1)


def test_another_amount_is_a_condition_and_the_balance_stays(cluster: Cluster, namespace: str) -> None:
    _apply(cluster, namespace, "25")
    _wait(cluster, namespace, "Credited")
    _apply(cluster, namespace, "30")
    _wait(cluster, namespace, "Credited=False")
    refusal = cluster.condition("project", "shop", "Credited", namespace=namespace)
    assert refusal["reason"] == "CreditConflict"
    assert "was applied as 25 and is 30 now" in refusal["message"]
    assert _status(cluster, namespace)["balance"] == "25"
    _apply(cluster, namespace, "25")
    _wait(cluster, namespace, "Credited")
    assert _status(cluster, namespace)["balance"] == "25"


def test_what_gateways_settle_reaches_the_status(cluster: Cluster, redis_server: ValkeyServer, namespace: str) -> None:
    _apply(cluster, namespace, "25")
    _wait(cluster, namespace, "Funded")
    uid = cluster.get("project", "shop", "--namespace", namespace)["metadata"]["uid"]
    with redis.Redis.from_url(redis_server.url) as client:
        client.hset(f"havuz:{{p:{uid}}}:account", mapping={"balance": "0", "spent": "25000000000"})
    _wait(cluster, namespace, "Funded=False")
    assert (_status(cluster, namespace)["balance"], _status(cluster, namespace)["spent"]) == ("0", "25")
    cluster.eventually(lambda: any(event.startswith("BalanceGone: 0 USD") for event in _events(cluster, namespace)))


def test_the_catalogue_is_programmed_with_every_price(cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("--namespace", namespace, "apply", "-f", str(CATALOGUE))
    _wait(cluster, namespace, "Funded", "projects/monthly")
    for what in ("projects/monthly", "projects/credit-pack", "modelroutes/gpt-4o"):
        _wait(cluster, namespace, "Priced", what)
    assert cluster.get("project", "credit-pack", "--namespace", namespace)["status"]["balance"] == "1000"
