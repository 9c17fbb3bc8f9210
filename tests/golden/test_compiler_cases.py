"""Compiling, case by case: `compiler/<case>.yaml` has the resources, a line `---8<---`, then what must come of them.

The expected part pins the snapshot as it is serialised, schema version included: a change that an older gateway
could not read shows here first.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from havuz_contract import keys
from havuz_contract.compiler.compile import Compiled, resources_of
from havuz_contract.compiler.compile import compile as compile_snapshot
from havuz_contract.snapshot import wire
from havuz_contract.snapshot.envelope import Keyring
from havuz_contract.snapshot.models import SCHEMA_VERSION, Part, Snapshot
from havuz_contract.v1alpha1.registry import is_ours, parse

CASES = sorted((Path(__file__).parent / "compiler").glob("*.yaml"))
CUT = "---8<---\n"
NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_resources_compile_to_what_the_case_says(path: Path, update_golden: bool) -> None:
    given, _, expected = path.read_text().partition(CUT)
    found = text(compiled(given))
    if update_golden:
        path.write_text(given + CUT + found)
        expected = found
    assert found == expected


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_pinned_snapshot_is_read_by_this_version(path: Path) -> None:
    given, _, expected = path.read_text().partition(CUT)
    pinned = yaml.safe_load(expected)
    assert pinned["schemaVersion"] == SCHEMA_VERSION
    assert Snapshot.model_validate(pinned["snapshot"]) == compiled(given).snapshot


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_snapshot_survives_its_way_through_redis(path: Path) -> None:
    ring = Keyring.parse(Keyring.generate())
    snapshot = compiled(path.read_text().partition(CUT)[0]).snapshot
    parts: dict[str, Mapping[str, Part]] = {
        keys.UPSTREAMS: snapshot.upstreams,
        keys.ROUTES: snapshot.routes,
        keys.PROJECTS: snapshot.projects,
    }
    read = {
        hash_key: {uid: wire.decode(hash_key, wire.encode(part, ring), ring) for uid, part in held.items()}
        for hash_key, held in parts.items()
    }
    assert wire.assemble(read) == snapshot


def compiled(given: str) -> Compiled:
    documents = [one for one in yaml.safe_load_all(given) if one]
    secrets = {
        (one["metadata"].get("namespace", "default"), one["metadata"]["name"]): one["stringData"]
        for one in documents
        if one["kind"] == "Secret"
    }
    namespaces = {
        one["metadata"]["name"]: one["metadata"].get("labels", {}) for one in documents if one["kind"] == "Namespace"
    }
    objects = [parse(one) for one in documents if is_ours(one)]
    return compile_snapshot(resources_of(objects, namespaces), secrets, NOW)


def text(result: Compiled) -> str:
    expected = {
        "schemaVersion": SCHEMA_VERSION,
        "snapshot": ordered(result.snapshot.model_dump(mode="json")),
        "statuses": {
            str(ref): {
                "conditions": [f"{one.type}={one.status} {one.reason}: {one.message}" for one in status.conditions],
                **status.fields,
            }
            for ref, status in sorted(result.statuses.items())
        },
    }
    written: str = yaml.safe_dump(expected, sort_keys=False, width=1000, allow_unicode=True)
    return written


def ordered(value: Any) -> Any:
    """Sets have no order of their own; as text they need one."""
    match value:
        case dict():
            return {
                name: sorted(one) if name in ("operations", "reasons") else ordered(one) for name, one in value.items()
            }
        case list():
            return [ordered(one) for one in value]
        case _:
            return value
