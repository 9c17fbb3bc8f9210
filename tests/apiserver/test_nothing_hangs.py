"""Whatever is taken away first, nothing waits for ever, and what was published is withdrawn in the end."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cluster.cluster import Cluster
from harness.cluster.operator import OperatorProcess
from harness.gateway import GatewayProcess
from harness.valkey import ValkeyServer

ROOT = Path(__file__).parents[2]
PROJECT = "apiVersion: havuz.dev/v1alpha1\nkind: Project\nmetadata: {name: shop}\nspec: {keys: [{name: live}]}"
PLURALS = ("projects", "upstreamkeys", "modelroutes")
Gateways = tuple[GatewayProcess, ...]


@pytest.fixture
def leaving(cluster: Cluster, operator: OperatorProcess) -> Iterator[str]:
    """A namespace that the test deletes itself; the operator runs afterwards, whatever the test did with it."""
    name = f"leaving-{uuid.uuid4().hex[:10]}"
    cluster.kubectl("create", "namespace", name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--ignore-not-found", "--timeout=60s")
    if not operator.alive():
        operator.start()


def _programmed(cluster: Cluster, namespace: str) -> str:
    """The key of a Project that every gateway serves."""
    cluster.apply(PROJECT, namespace=namespace)
    wait = ("wait", "--for=condition=Programmed", "project/shop", "--timeout=30s")
    cluster.kubectl("--namespace", namespace, *wait)
    return cluster.secret(namespace, "shop-live")["key"]


def _withdrawn(cluster: Cluster, gateways: Gateways, key: str) -> None:
    cluster.eventually(lambda: not any(gateway.serves(key) for gateway in gateways))


def test_a_namespace_that_went_while_the_operator_was_away_is_withdrawn_when_it_is_back(
    cluster: Cluster, operator: OperatorProcess, gateways: Gateways, leaving: str
) -> None:
    key = _programmed(cluster, leaving)
    assert operator.stop() == 0
    cluster.kubectl("delete", "namespace", leaving, "--timeout=60s")
    assert all(gateway.serves(key) for gateway in gateways)
    operator.start()
    _withdrawn(cluster, gateways, key)


def test_a_namespace_goes_while_redis_is_away_and_is_withdrawn_when_it_is_back(
    cluster: Cluster, redis_server: ValkeyServer, gateways: Gateways, leaving: str
) -> None:
    key = _programmed(cluster, leaving)
    redis_server.pause()
    try:
        cluster.kubectl("delete", "namespace", leaving, "--timeout=60s")
        assert all(gateway.serves(key) for gateway in gateways)
    finally:
        redis_server.resume()
    _withdrawn(cluster, gateways, key)


def test_the_crds_go_first_and_come_back_under_a_running_operator(
    cluster: Cluster, operator: OperatorProcess, gateways: Gateways, leaving: str
) -> None:
    key = _programmed(cluster, leaving)
    crds = tuple(f"crd/{plural}.havuz.dev" for plural in PLURALS)
    try:
        cluster.kubectl("delete", *crds, "--timeout=60s")
        _withdrawn(cluster, gateways, key)
        cluster.kubectl("delete", "namespace", leaving, "--timeout=60s")
    finally:
        _install_crds(cluster)
    cluster.eventually(operator.alive)
    cluster.kubectl("create", "namespace", leaving)
    assert all(gateway.serves(_programmed(cluster, leaving)) for gateway in gateways)


def test_an_operator_that_finds_no_crds_leaves_gateways_as_they_are_and_waits_for_them(
    cluster: Cluster, operator: OperatorProcess, gateways: Gateways, leaving: str
) -> None:
    key = _programmed(cluster, leaving)
    assert operator.stop() == 0
    try:
        cluster.kubectl("delete", *(f"crd/{plural}.havuz.dev" for plural in PLURALS), "--timeout=60s")
        operator.spawn()
        cluster.eventually(lambda: "install the chart havuz-crds first" in operator.log)
        assert all(gateway.serves(key) for gateway in gateways)
    finally:
        _install_crds(cluster)
    cluster.eventually(operator.alive)
    _withdrawn(cluster, gateways, key)


def _install_crds(cluster: Cluster) -> None:
    for plural in PLURALS:
        cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", f"{ROOT}/crds/havuz.dev_{plural}.yaml")
    crds = (f"crd/{plural}.havuz.dev" for plural in PLURALS)
    cluster.kubectl("wait", "--for=condition=Established", *crds, "--timeout=30s")
