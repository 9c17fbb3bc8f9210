"""Node tier: images from the Dockerfiles, a kubelet that runs them, Helm, and clients that never stop calling.

`make e2e` starts a node on this machine (root, Debian), or takes the cluster of `KUBECONFIG`. The tests tell one story
in the order of their file, and each prints what its step cost the clients.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from harness.node.installed import Installed
from harness.node.load import Load
from harness.node.programs import deploy
from harness.node.site import Site, open_site

HERE = Path(__file__).parent
_STREAM_SECONDS = os.environ.get("HAVUZ_E2E_STREAM_SECONDS", "20")
_CALLERS = 4
_STREAMS = 6
_SECONDS_PER_TEST = 600
_SAMPLE = """
apiVersion: havuz.dev/v1alpha1
kind: UpstreamKey
metadata: {name: e2e, labels: {pool: e2e}}
spec: {provider: openai-compatible, baseURL: "http://provider.demo.svc:8080/v1"}
---
apiVersion: havuz.dev/v1alpha1
kind: ModelRoute
metadata: {name: e2e}
spec: {model: e2e, targets: [{keys: {matchLabels: {pool: e2e}}}]}
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.timeout(_SECONDS_PER_TEST, func_only=True))


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """The cluster and the images."""
    with ExitStack() as stack:
        if os.environ.get("HAVUZ_REQUIRE_NODE") != "1":
            pytest.skip("this tier installs packages and breaks a cluster: `make e2e` asks for that")
        yield stack.enter_context(open_site())


@pytest.fixture(scope="session")
def installed(site: Site) -> Iterator[Installed]:
    """The charts as the README installs them, in namespaces that enforce the "restricted" pod security standard."""
    installation = Installed(site)
    try:
        installation.install()
        yield installation
    finally:
        if site.node is None:  # our own node is thrown away as a whole
            installation.remove()


@pytest.fixture(scope="session")
def load(site: Site, installed: Installed) -> Load:
    """Short calls and streams that go on through every step from here on."""
    deploy(site.cluster, HERE / "pods" / "provider.py", namespace="demo", image=site.gateway_image, environment={})
    site.cluster.apply(_SAMPLE, namespace="demo")
    installed.wait_programmed()
    key = {"secretKeyRef": {"name": "demo-live", "key": "key"}}
    url = "http://havuz-gateway.havuz.svc/v1/chat/completions"
    size = {"STREAM_SECONDS": _STREAM_SECONDS, "CALLERS": str(_CALLERS), "STREAMS": str(_STREAMS)}
    deploy(
        site.cluster,
        HERE / "pods" / "load.py",
        namespace="demo",
        image=site.gateway_image,
        environment={"URL": url, "KEY": key, **size},
    )
    calling = Load(site.cluster, namespace="demo", deployment="load", open_at_most=_CALLERS + _STREAMS)
    calling.wait()
    return calling
