"""What fails around the operator costs no object its place: restarts, a Redis that lost everything, a newer CRD."""

import json
from pathlib import Path

import openai
import pytest
import redis

from harness.cluster.cluster import Cluster
from harness.cluster.installation import Installation
from harness.cluster.operator import OperatorProcess
from harness.gateway import GatewayProcess
from harness.valkey import ValkeyServer
from havuz_contract import keys

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart"
LATER = "kind: Project\napiVersion: havuz.dev/v1alpha1\nmetadata: {name: later}\nspec: {}"


@pytest.fixture
def quickstart(
    cluster: Cluster, operator: OperatorProcess, gateways: tuple[GatewayProcess, ...], namespace: str
) -> str:
    """A namespace in which the quick start is programmed into both gateways."""
    assert operator.alive()
    cluster.kubectl("--namespace", namespace, "apply", "-f", str(QUICKSTART))
    _wait_programmed(cluster, namespace)
    return namespace


def _wait_programmed(cluster: Cluster, namespace: str) -> None:
    kinds = "projects,modelroutes,upstreamkeys"
    cluster.kubectl("--namespace", namespace, "wait", "--for=condition=Programmed", kinds, "--all", "--timeout=30s")


def _models(gateway: GatewayProcess, key: str) -> set[str]:
    with openai.OpenAI(base_url=f"{gateway.base_url}/v1", api_key=key, max_retries=0) as client:
        return {model.id for model in client.models.list()}


def _version(cluster: Cluster, namespace: str) -> str:
    return str(cluster.get("project", "demo", "--namespace", namespace)["metadata"]["resourceVersion"])


def test_a_restarted_operator_drops_nothing_and_writes_nothing_new(
    cluster: Cluster, operator: OperatorProcess, gateways: tuple[GatewayProcess, ...], quickstart: str
) -> None:
    key = cluster.secret(quickstart, "demo-live")["key"]
    before, models = _version(cluster, quickstart), _models(gateways[0], key)
    assert operator.stop() == 0
    assert _models(gateways[0], key) == models
    operator.start()
    cluster.apply(LATER, namespace=quickstart)
    _wait_programmed(cluster, quickstart)
    assert _models(gateways[0], key) == models
    assert _version(cluster, quickstart) == before


def test_what_was_deleted_while_the_operator_was_away_is_not_served_any_more(
    cluster: Cluster, operator: OperatorProcess, gateways: tuple[GatewayProcess, ...], quickstart: str
) -> None:
    key = cluster.secret(quickstart, "demo-live")["key"]
    operator.stop()
    cluster.kubectl("--namespace", quickstart, "delete", "modelroute", "gpt-4o")
    assert "gpt-4o" in _models(gateways[0], key)
    operator.start()
    cluster.eventually(lambda: all("gpt-4o" not in _models(gateway, key) for gateway in gateways))


def test_a_redis_that_lost_everything_gets_it_again(
    cluster: Cluster, redis_server: ValkeyServer, gateways: tuple[GatewayProcess, ...], quickstart: str
) -> None:
    key = cluster.secret(quickstart, "demo-live")["key"]
    models = _models(gateways[0], key)
    with redis.Redis.from_url(redis_server.url) as client:
        before = int(client.hget(keys.META, "revision") or 0)
        client.flushdb()
        cluster.eventually(lambda: int(client.hget(keys.META, "revision") or 0) > before)
        assert client.hlen(keys.ROUTES) >= len(models)
    assert all(_models(gateway, key) == models for gateway in gateways)
    cluster.apply(LATER, namespace=quickstart)
    _wait_programmed(cluster, quickstart)


@pytest.mark.usefixtures("gateways")
def test_an_object_from_a_newer_crd_is_refused_by_name_and_stops_nobody_else(
    cluster: Cluster, operator: OperatorProcess, namespace: str
) -> None:
    path = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/fromTheFuture"

    def change_crd(operation: str, **value: object) -> None:
        patch = json.dumps([{"op": operation, "path": path, **value}])
        cluster.kubectl("patch", "crd", "projects.havuz.dev", "--type=json", "-p", patch)

    project = {"apiVersion": "havuz.dev/v1alpha1", "kind": "Project", "metadata": {"name": "new"}}
    newer = json.dumps({**project, "spec": {"fromTheFuture": "yes"}})

    def applied() -> bool:
        # the API server takes a moment to serve a changed schema
        cluster.apply(newer, namespace=namespace)
        return "fromTheFuture" in cluster.get("project", "new", "--namespace", namespace)["spec"]

    operator.stop()
    change_crd("add", value={"type": "string"})
    try:
        cluster.eventually(applied)
        operator.start()
        cluster.apply(LATER, namespace=namespace)
        for what, condition in (("project/later", "Programmed"), ("project/new", "Accepted=False")):
            wait = ("wait", f"--for=condition={condition}", what, "--timeout=30s")
            cluster.kubectl("--namespace", namespace, *wait)
        accepted = cluster.condition("project", "new", "Accepted", namespace=namespace)
        assert accepted["reason"] == "Invalid"
        assert "spec.fromTheFuture" in accepted["message"]
    finally:
        change_crd("remove")
        if not operator.alive():
            operator.start()


def test_a_second_operator_takes_over_from_a_dead_one_and_from_one_that_was_stopped(
    cluster: Cluster,
    installation: Installation,
    operator: OperatorProcess,
    gateways: tuple[GatewayProcess, ...],
    quickstart: str,
) -> None:
    def candidate() -> OperatorProcess:
        return OperatorProcess(
            kubeconfig=installation.account.kubeconfig,
            redis_url=installation.operator_redis,
            encryption_keys=installation.encryption_keys,
            log_format="text",
            lease_namespace="havuz-system",
            lease_name="havuz-operator",
        )

    assert operator.stop() == 0
    try:
        with candidate() as first, candidate() as second:
            cluster.apply(LATER, namespace=quickstart)
            _wait_programmed(cluster, quickstart)
            leader, follower = (first, second) if " leading" in first.log else (second, first)
            assert " leading" not in follower.log
            leader.kill()
            cluster.apply(LATER.replace("later", "after-a-death"), namespace=quickstart)
            _wait_programmed(cluster, quickstart)
            assert " leading" in follower.log
            with candidate() as third:
                assert follower.stop() == 0
                assert "published" not in third.log or " leading" in third.log
                cluster.apply(LATER.replace("later", "after-a-stop"), namespace=quickstart)
                _wait_programmed(cluster, quickstart)
                assert " leading" in third.log
    finally:
        operator.start()
