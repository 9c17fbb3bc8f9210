"""API server tier: a real control plane, the charts installed by Helm, the operator as the chart's service account.

There is no node, so the pods of the charts do not run: the operator and two gateways run as processes beside the
control plane, with exactly the rights and the settings that the charts give them. Where the control plane can neither
be found nor built, the tier is skipped, and the summary says so.
"""

import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from harness.client_programs import node_project, php, run
from harness.cluster.binaries import BuildError
from harness.cluster.cluster import Cluster, open_cluster
from harness.cluster.installation import Installation
from harness.cluster.operator import OperatorProcess
from harness.gateway import GatewayProcess
from harness.valkey import ValkeyServer

__all__ = ["node_project", "php", "run"]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SYSTEM = "havuz-system"
PLURALS = ("projects", "upstreamkeys", "modelroutes")
_SECONDS_PER_TEST = 110


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            # One control plane for all of them; and the first one may wait for it to be built.
            item.add_marker(pytest.mark.xdist_group("apiserver"))
            item.add_marker(pytest.mark.timeout(_SECONDS_PER_TEST, func_only=True))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The cluster, as its administrator, with the CRDs installed by their chart."""
    with ExitStack() as stack:
        try:
            opened = stack.enter_context(open_cluster())
        except BuildError as error:
            if os.environ.get("HAVUZ_REQUIRE_CLUSTER") == "1":
                pytest.fail(str(error))
            pytest.skip(f"no control plane: {error}")
        opened.helm("upgrade", "--install", "havuz-crds", f"{ROOT}/charts/havuz-crds", "--namespace", "default")
        opened.kubectl("wait", "--for=condition=Established", *(f"crd/{plural}.havuz.dev" for plural in PLURALS))
        yield opened


@pytest.fixture(scope="session")
def redis_server() -> Iterator[ValkeyServer]:
    """The Valkey that stands for the chart's."""
    with ValkeyServer() as server:
        yield server


@pytest.fixture(scope="session")
def installation(
    cluster: Cluster, redis_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory
) -> Installation:
    """The chart, installed, with the users of its Redis made known to the Valkey of the tests."""
    cluster.helm("upgrade", "--install", "havuz", f"{ROOT}/charts/havuz", "--namespace", SYSTEM, "--create-namespace")
    secret = cluster.secret(SYSTEM, "havuz-redis")
    with redis.Redis.from_url(redis_server.url) as client:
        for line in secret["users.acl"].splitlines():
            _, user, *rules = line.split()
            if user != "default":  # the harness itself calls as the default user
                client.execute_command("ACL", "SETUSER", user, *rules)
    account = cluster.as_account(SYSTEM, "havuz-operator", tmp_path_factory.mktemp("operator") / "kubeconfig")
    return Installation(
        account=account,
        encryption_keys=cluster.secret(SYSTEM, "havuz-encryption")["keys"],
        operator_redis=_moved(secret["operator-url"], redis_server),
        gateway_redis=_moved(secret["gateway-url"], redis_server),
    )


@pytest.fixture(scope="session")
def operator(installation: Installation) -> Iterator[OperatorProcess]:
    """The operator, running as the chart's service account and Redis user. A test that stops it starts it again."""
    with OperatorProcess(
        kubeconfig=installation.account.kubeconfig,
        redis_url=installation.operator_redis,
        encryption_keys=installation.encryption_keys,
        log_format="text",
    ) as process:
        yield process


@pytest.fixture(scope="session")
def gateways(installation: Installation) -> Iterator[tuple[GatewayProcess, GatewayProcess]]:
    """Two gateways, running as the chart's Redis user."""
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(
                GatewayProcess(redis_url=installation.gateway_redis, encryption_keys=installation.encryption_keys)
            )
            for _ in range(2)
        )
        yield first, second


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace of the test's own."""
    name = f"test-{uuid.uuid4().hex[:10]}"
    cluster.kubectl("create", "namespace", name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


def _moved(url: str, server: ValkeyServer) -> str:
    """The URL of the chart with the same user and password, and the address of the tests' server."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{server.port}").geturl()
