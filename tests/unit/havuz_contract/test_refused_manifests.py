"""Local mode refuses what the API server refuses, in the same words."""

from pathlib import Path

import pytest
import yaml

from havuz_contract.crdgen.structural import Schema, structural
from havuz_contract.v1alpha1.registry import KINDS, ManifestError, parse
from havuz_contract.v1alpha1.rules import VALIDATIONS

EXAMPLES = Path(__file__).parents[2] / "apiserver" / "crds"
FILES = sorted(EXAMPLES.glob("*/*.yaml"))


def expected(path: Path) -> str:
    return path.read_text().splitlines()[0].removeprefix("# ")


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_refused_example_is_refused_without_an_api_server_too(path: Path) -> None:
    with pytest.raises(ManifestError) as refusal:
        parse(yaml.safe_load(path.read_text()))
    sentences = [problem.sentence for problem in refusal.value.problems]
    assert any(expected(path) in sentence for sentence in sentences), sentences
    assert len(sentences) == 1


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_refused_example_is_of_the_kind_that_its_folder_says(path: Path) -> None:
    assert yaml.safe_load(path.read_text())["kind"].lower() == path.parent.name


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_every_rule_has_a_refused_example(kind: type) -> None:
    shown = {expected(path) for path in FILES}
    # A transition needs two versions of an object; an example file is one.
    messages = {rule["message"] for rule in rules(structural(kind)) if "oldSelf" not in rule["rule"]}
    assert messages
    assert messages - shown == set()


def rules(schema: Schema) -> list[dict[str, str]]:
    found = list(schema.get(VALIDATIONS, []))
    inner = [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]
    for one in inner:
        if isinstance(one, dict):
            found += rules(one)
    return found
