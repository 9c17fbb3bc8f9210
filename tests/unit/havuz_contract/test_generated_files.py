"""What is generated is current, and is what Kubernetes takes."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from havuz_contract.crdgen.__main__ import generated, stale
from havuz_contract.crdgen.crd import definition
from havuz_contract.crdgen.structural import Schema, structural
from havuz_contract.v1alpha1.meta import KubeObject
from havuz_contract.v1alpha1.registry import KINDS

ROOT = Path(__file__).parents[3]
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))


def test_the_committed_files_are_the_generated_ones() -> None:
    assert stale(ROOT) == []


def test_check_fails_on_a_file_that_was_edited_by_hand(tmp_path: Path) -> None:
    for path, text in generated().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "crds/pyproject.toml").write_text("")
    (tmp_path / "docs/reference/api.md").write_text("edited")
    check = [sys.executable, "-m", "havuz_contract.crdgen", "--check", "--root", str(tmp_path)]
    done = subprocess.run(check, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "docs/reference/api.md is not current; run `make generate`\n")


def test_the_chart_carries_the_same_crds() -> None:
    for path, text in generated().items():
        if path.startswith("crds/"):
            assert generated()[f"charts/havuz-crds/templates/{Path(path).name}"] == text


def test_helm_reads_nothing_in_a_crd_as_a_template() -> None:
    assert [path for path, text in generated().items() if path.startswith("charts/") and "{{" in text] == []


def levels(schema: Schema) -> list[Schema]:
    inner = [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]
    return [schema, *(level for one in inner if isinstance(one, dict) for level in levels(one))]


@each_kind
def test_every_level_of_a_schema_has_a_type_and_nothing_that_is_not_structural(kind: type[KubeObject]) -> None:
    for level in levels(structural(kind)):
        assert level["type"] in ("object", "array", "string", "integer", "boolean")
        assert level.keys().isdisjoint({"$ref", "anyOf", "allOf", "oneOf", "const", "title", "$defs", "propertyNames"})
        assert level.get("additionalProperties") is None or isinstance(level["additionalProperties"], dict)


@each_kind
def test_every_list_text_and_map_is_bounded(kind: type[KubeObject]) -> None:
    """Otherwise the API server can not bound the cost of the CEL rules on it."""
    spec = structural(kind)["properties"]["spec"]
    for level in levels(spec):
        match level["type"]:
            case "array":
                assert "maxItems" in level
            case "string":
                assert "maxLength" in level or "enum" in level or level.get("format") == "date-time"
            case "object" if "additionalProperties" in level:
                assert "maxProperties" in level


@each_kind
def test_every_field_says_what_it_means(kind: type[KubeObject]) -> None:
    def undescribed(path: str, schema: Schema) -> list[str]:
        found = []
        for name, one in schema.get("properties", {}).items():
            if "description" not in one and path + name not in ("apiVersion", "kind", "metadata"):
                found.append(path + name)
            found += undescribed(f"{path}{name}.", one)
        return found + (undescribed(f"{path}[].", schema["items"]) if "items" in schema else [])

    assert undescribed("", structural(kind)) == []


@each_kind
def test_no_field_is_a_word_that_yaml_1_1_reads_as_a_boolean(kind: type[KubeObject]) -> None:
    names = {name for level in levels(structural(kind)) for name in level.get("properties", {})}
    assert names.isdisjoint({"on", "off", "yes", "no", "y", "n"})


@each_kind
def test_kubectl_finds_the_kind_by_short_name_and_category(kind: type[KubeObject]) -> None:
    names = definition(kind)["spec"]["names"]
    assert names["categories"] == ["havuz"]
    assert names["shortNames"]


def test_defaults_of_the_schema_are_those_of_local_mode() -> None:
    for kind in KINDS.values():
        text = yaml.safe_dump(structural(kind)["properties"]["spec"].get("properties", {}))
        assert "default: null" not in text
