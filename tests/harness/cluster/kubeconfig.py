"""Kubeconfig files with one cluster and one token in them."""

import base64
import json
from pathlib import Path


def write_kubeconfig(path: Path, *, server: str, ca: Path, token: str, namespace: str = "default") -> Path:
    """Write a kubeconfig (JSON, which is YAML) that only its owner may read; returns `path`."""
    authority = base64.b64encode(ca.read_bytes()).decode()
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": server, "certificate-authority-data": authority}}],
        "users": [{"name": "test", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": namespace}}],
        "current-context": "test",
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(document))
    return path
