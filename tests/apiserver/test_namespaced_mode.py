"""An operator of some namespaces: its account reads and writes there, and nowhere else."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from harness.cluster.cluster import Cluster, CommandError
from harness.cluster.operator import OperatorProcess
from harness.valkey import ValkeyServer
from havuz_contract import keys
from havuz_contract.snapshot.envelope import Keyring

CHART = Path(__file__).parents[2] / "charts" / "havuz"
PROJECT = "apiVersion: havuz.dev/v1alpha1\nkind: Project\nmetadata: {name: shop}\nspec: {keys: [{name: live}]}"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: bare}\nstringData: {key: nobody's business}"


@dataclass(frozen=True, slots=True)
class Tenant:
    """An installation in a namespace of its own, as its operator's account sees the cluster."""

    account: Cluster
    system: str
    watched: str
    other: str


@pytest.fixture(scope="module")
def tenant(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    system, watched, other = (f"{name}-{uuid.uuid4().hex[:8]}" for name in ("system", "watched", "other"))
    for name in (system, watched, other):
        cluster.kubectl("create", "namespace", name)
    namespaces = f"operator.namespaces={{{watched}}}"
    cluster.helm("install", "havuz", str(CHART), "--namespace", system, "--set", namespaces)
    account = cluster.as_account(system, "havuz-operator", tmp_path_factory.mktemp("tenant") / "kubeconfig")
    yield Tenant(account, system, watched, other)
    cluster.helm("uninstall", "havuz", "--namespace", system)
    cluster.kubectl("delete", "namespace", system, watched, other, "--wait=false")


def _may(tenant: Tenant, *what: str) -> bool:
    try:
        tenant.account.kubectl(*what)
    except CommandError as error:
        if "forbidden" not in error.stderr.lower():
            raise
        return False
    return True


def test_secrets_and_objects_elsewhere_are_forbidden_to_the_account(cluster: Cluster, tenant: Tenant) -> None:
    for name in (tenant.watched, tenant.other):
        cluster.apply(f"{SECRET}\n---\n{PROJECT}", namespace=name)
    for kind in ("secrets", "projects.havuz.dev", "upstreamkeys.havuz.dev", "modelroutes.havuz.dev"):
        assert _may(tenant, "get", kind, "--namespace", tenant.watched)
        assert not _may(tenant, "get", kind, "--namespace", tenant.other)
        assert not _may(tenant, "get", kind, "--namespace", tenant.system)
        assert not _may(tenant, "get", kind, "--all-namespaces")
    patch = ("patch", "secret", "bare", "--type=merge", "-p", '{"stringData": {"key": "taken"}}')
    create = ("create", "secret", "generic", "planted", "--from-literal=a=b")
    for what in (patch, create, ("delete", "secret", "bare"), ("delete", "project", "shop")):
        assert not _may(tenant, *what, "--namespace", tenant.other)


def test_no_other_kind_is_within_its_reach(tenant: Tenant) -> None:
    for kind in ("pods", "configmaps", "serviceaccounts", "deployments.apps", "roles.rbac.authorization.k8s.io"):
        assert not _may(tenant, "get", kind, "--namespace", tenant.watched)
    assert not _may(tenant, "create", "token", "havuz-operator", "--namespace", tenant.system)
    assert not _may(tenant, "get", "clusterroles")


def test_the_operator_serves_the_namespaces_it_was_given_and_touches_no_other(cluster: Cluster, tenant: Tenant) -> None:
    for name in (tenant.watched, tenant.other):
        cluster.apply(PROJECT, namespace=name)
    with (
        ValkeyServer() as server,
        OperatorProcess(
            kubeconfig=tenant.account.kubeconfig,
            redis_url=server.url,
            encryption_keys=Keyring.generate(),
            namespaces=tenant.watched,
            log_format="text",
        ) as operator,
    ):
        wait = ("wait", "--for=condition=Resolved", "project/shop", "--timeout=30s")
        cluster.kubectl("--namespace", tenant.watched, *wait)
        assert cluster.secret(tenant.watched, "shop-live")["key"].startswith("pk_live_")
        with redis.Redis.from_url(server.url) as published:
            assert published.hlen(keys.PROJECTS) == 1
        assert operator.stop() == 0
        assert tenant.other not in operator.log
        assert "Traceback" not in operator.log
        assert "forbidden" not in operator.log
