"""What an uninstallation leaves behind, and that a second installation takes it up."""

import uuid
from pathlib import Path

import yaml

from harness.cluster.cluster import Cluster

CHART = str(Path(__file__).parents[2] / "charts" / "havuz")
KEPT = ("Secret/havuz-encryption",)  # without it nothing in Redis could be opened any more


def _left(cluster: Cluster, release: str, namespace: str) -> list[str]:
    """Every object that the chart renders and the cluster holds."""
    rendered = yaml.safe_load_all(cluster.helm("template", release, CHART, "--namespace", namespace))
    objects = [(one["kind"], one["metadata"]["name"]) for one in rendered if one]
    held = [
        f"{kind}/{name}"
        for kind, name in objects
        if cluster.kubectl("--namespace", namespace, "get", kind, name, "--ignore-not-found", "-o", "name")
    ]
    assert len(objects) > 10
    return sorted(held)


def test_an_uninstallation_leaves_the_encryption_key_and_the_crds_and_a_second_installation_works(
    cluster: Cluster,
) -> None:
    namespace = f"again-{uuid.uuid4().hex[:8]}"
    install = ("install", "havuz", CHART, "--namespace", namespace, "--create-namespace")
    cluster.helm(*install)
    keys = cluster.secret(namespace, "havuz-encryption")["keys"]
    passwords = cluster.secret(namespace, "havuz-redis")
    assert "Deployment/havuz-gateway" in _left(cluster, "havuz", namespace)
    cluster.helm("uninstall", "havuz", "--namespace", namespace, "--wait")
    try:
        assert _left(cluster, "havuz", namespace) == list(KEPT)
        assert cluster.kubectl("get", "crd", "projects.havuz.dev", "-o", "name")
        cluster.helm(*install)
        assert cluster.secret(namespace, "havuz-encryption")["keys"] == keys
        assert cluster.secret(namespace, "havuz-redis")["operator-password"] != passwords["operator-password"]
        cluster.helm("uninstall", "havuz", "--namespace", namespace, "--wait")
    finally:
        cluster.kubectl("delete", "namespace", namespace, "--wait=false")
