"""Python programs as Deployments that the "restricted" pod security standard lets in, in the image of the gateway."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.cluster.cluster import Cluster

# https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
_POD_SECURITY = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
_CONTAINER_SECURITY = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def deploy(cluster: Cluster, script: Path, *, namespace: str, image: str, environment: Mapping[str, Any]) -> None:
    """Run a script as a Deployment with its name, behind a Service on port 8080.

    A value of `environment` is text, or what `valueFrom` takes.
    """
    name = script.stem
    selector = {"app": name}
    variables = [
        {"name": key, "value": value} if isinstance(value, str) else {"name": key, "valueFrom": value}
        for key, value in environment.items()
    ]
    container = {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/opt/havuz/bin/python", f"/programs/{script.name}"],
        "env": variables,
        "securityContext": _CONTAINER_SECURITY,
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
        "volumeMounts": [{"name": "programs", "mountPath": "/programs"}],
    }
    pod = {
        "automountServiceAccountToken": False,
        "securityContext": _POD_SECURITY,
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
        "volumes": [{"name": "programs", "configMap": {"name": name}}],
    }
    documents = (
        _document("v1", "ConfigMap", name, {"data": {script.name: script.read_text()}}),
        _document("v1", "Service", name, {"spec": {"selector": selector, "ports": [{"port": 8080}]}}),
        _document(
            "apps/v1",
            "Deployment",
            name,
            {
                "spec": {
                    "selector": {"matchLabels": selector},
                    "template": {"metadata": {"labels": selector}, "spec": pod},
                }
            },
        ),
    )
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": documents}), namespace=namespace)
    cluster.kubectl("--namespace", namespace, "rollout", "status", f"deployment/{name}", "--timeout=90s")


def _document(version: str, kind: str, name: str, rest: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **rest}
