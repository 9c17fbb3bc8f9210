"""Snapshot parts with fresh ids, for tests that need some configuration and care about little of it."""

import hashlib
import uuid
from dataclasses import dataclass
from typing import Any

from havuz_contract.snapshot.models import Project, ProjectKey, Route, Target, Upstream


def fresh(prefix: str) -> str:
    """A name that no other test has."""
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def make_upstream(base_url: str = "", **fields: Any) -> Upstream:
    """An `openai-compatible` upstream at `base_url` with a credential of its own; without a URL, the mock."""
    name = fields.pop("name", fresh("upstream"))
    defaults = {
        "uid": f"uid-{name}",
        "name": f"default/{name}",
        "provider": "openai-compatible" if base_url else "mock",
        "base_url": base_url,
        "credential": f"sk-{name}" if base_url else "",
        "probe_interval": None,
    }
    return Upstream(**(defaults | fields))


def make_target(*upstreams: Upstream, model: str = "upstream-model", **fields: Any) -> Target:
    """A target served by these upstreams."""
    return Target(upstreams=tuple(upstream.uid for upstream in upstreams), model=model, **fields)


def make_route(*targets: Target | Upstream, **fields: Any) -> Route:
    """A route over targets (an upstream stands for a target of its own model), seen by every project."""
    name = fields.pop("name", fresh("model"))
    made = tuple(part if isinstance(part, Target) else make_target(part) for part in targets)
    defaults = {
        "uid": f"uid-{name}",
        "name": f"default/{name}",
        "model": name,
        "operations": frozenset({"chat", "embeddings"}),
        "targets": made,
    }
    return Route(**(defaults | fields))


@dataclass(frozen=True, slots=True)
class Customer:
    """A project and its keys in clear: one live, one test."""

    project: Project
    live: str
    test: str


def make_project_key(secret: str, **fields: Any) -> ProjectKey:
    """The record of a key whose clear text is `secret`."""
    digest = hashlib.sha256(secret.encode()).hexdigest()
    defaults = {
        "id": digest[:16],
        "name": "live",
        "sha256": digest,
        "mode": "Live",
        "masked": f"{secret[:8]}…{secret[-4:]}",
    }
    return ProjectKey(**(defaults | fields))


def make_project(**fields: Any) -> Customer:
    """A project that may use everything it sees, with a live and a test key."""
    name = fields.pop("name", fresh("project"))
    live, test = f"pk_live_{uuid.uuid4().hex}", f"pk_test_{uuid.uuid4().hex}"
    defaults = {
        "uid": f"uid-{name}",
        "name": f"default/{name}",
        "display_name": name,
        "keys": (make_project_key(live), make_project_key(test, name="test", mode="Test")),
    }
    return Customer(project=Project(**(defaults | fields)), live=live, test=test)
