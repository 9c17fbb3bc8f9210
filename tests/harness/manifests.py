"""Manifests for tests: objects of the three kinds from as few words as possible, read as kubectl would send them."""

from pathlib import Path
from typing import Any

import yaml

from havuz_contract import project_keys
from havuz_contract.v1alpha1.modelroute import ModelRoute
from havuz_contract.v1alpha1.project import Project
from havuz_contract.v1alpha1.registry import parse
from havuz_contract.v1alpha1.upstreamkey import UpstreamKey

BORN = "2026-01-01T00:00:00Z"
SECRET = {"name": "provider-keys", "key": "a"}


def document(kind: str, name: str, spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """A manifest; by default born at `BORN`, with a uid of its own, in the namespace `default`."""
    namespace = metadata.get("namespace", "default")
    always = {"name": name, "uid": f"{kind}-{namespace}-{name}", "creationTimestamp": BORN, "resourceVersion": "1"}
    return {"apiVersion": "havuz.dev/v1alpha1", "kind": kind, "metadata": always | metadata, "spec": spec}


def upstream_key(name: str = "a", *, metadata: dict[str, Any] | None = None, **spec: Any) -> UpstreamKey:
    """An UpstreamKey of provider openai whose secret is `SECRET`."""
    whole = {"provider": "openai", "secretRef": SECRET} | spec
    parsed = parse(document("UpstreamKey", name, whole, **(metadata or {})))
    assert isinstance(parsed, UpstreamKey)
    return parsed


def model_route(name: str = "gpt", *, metadata: dict[str, Any] | None = None, **spec: Any) -> ModelRoute:
    """A ModelRoute of the model `name` to the UpstreamKey `a`."""
    whole = {"model": name, "targets": [{"keys": {"names": ["a"]}}]} | spec
    parsed = parse(document("ModelRoute", name, whole, **(metadata or {})))
    assert isinstance(parsed, ModelRoute)
    return parsed


def project(name: str = "shop", *, metadata: dict[str, Any] | None = None, **spec: Any) -> Project:
    """A Project with the keys `live` and `test`."""
    whole = {"keys": [{"name": "live"}, {"name": "test", "mode": "Test"}]} | spec
    parsed = parse(document("Project", name, whole, **(metadata or {})))
    assert isinstance(parsed, Project)
    return parsed


def made_key(seed: int, prefix: str = "pk_live_") -> str:
    """A key as havuz makes it, always the same for a seed."""
    return project_keys.make_key(prefix, seed.to_bytes(project_keys.RANDOM_BYTES, "big"))


def documents(*paths: Path) -> list[dict[str, Any]]:
    """Every YAML document of these files."""
    return [one for path in paths for one in yaml.safe_load_all(path.read_text()) if one]
