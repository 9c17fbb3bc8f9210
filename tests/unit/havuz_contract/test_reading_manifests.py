"""From a manifest to an object, and from a fault to a sentence with a field."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harness.manifests import document, project
from havuz_contract.v1alpha1.registry import ManifestError, Problem, is_ours, parse, refused_changes
from havuz_contract.v1alpha1.upstreamkey import UpstreamKey


def problems(written: dict[str, Any]) -> list[Problem]:
    with pytest.raises(ManifestError) as refusal:
        parse(written)
    return refusal.value.problems


def test_every_fault_is_named_with_the_path_of_its_field() -> None:
    spec = {
        "keys": [{"name": "live"}, {"name": "Test", "mode": "Prod"}],
        "billing": {"plan": "Prepaid", "credits": [{"id": "a", "amount": 5}]},
        "colour": "red",
    }
    assert [problem.path for problem in problems(document("Project", "shop", spec))] == [
        "spec.keys[1].name",
        "spec.keys[1].mode",
        "spec.billing.credits[0].amount",
        "spec.colour",
    ]


def test_the_refusal_names_the_object() -> None:
    with pytest.raises(ManifestError, match=r"Project 'shop' is refused: spec.colour: unknown field"):
        parse(document("Project", "shop", {"colour": "red"}))


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    assert problems(document("Customer", "shop", {})) == [
        Problem("kind", "is 'Customer'; the kinds are Project, UpstreamKey, ModelRoute")
    ]


def test_another_version_is_refused_with_this_one() -> None:
    written = document("Project", "shop", {}) | {"apiVersion": "havuz.dev/v2"}
    assert problems(written) == [Problem("apiVersion", "is 'havuz.dev/v2'; use 'havuz.dev/v1alpha1'")]


@pytest.mark.parametrize("written", [{}, {"kind": None}, {"kind": "Project"}, {"metadata": [], "kind": 3}])
def test_what_is_no_object_is_refused_and_not_a_crash(written: dict[str, Any]) -> None:
    assert problems(written)


def test_a_date_that_yaml_understood_is_read_as_kubectl_reads_it() -> None:
    written = yaml.safe_load("keys: [{name: live, expiresAt: 2027-01-01T00:00:00Z}]")
    spec = parse(document("Project", "shop", written)).model_dump(by_alias=True, mode="json")["spec"]
    assert spec["keys"][0]["expiresAt"] == "2027-01-01T00:00:00Z"


def test_a_status_is_not_read() -> None:
    written = document("UpstreamKey", "a", {"provider": "mock"}) | {"status": {"from": "another version"}}
    parsed = parse(written)
    assert isinstance(parsed, UpstreamKey)
    assert parsed.status is None


def test_an_object_without_a_uid_is_known_by_its_kind_namespace_and_name() -> None:
    assert parse(document("UpstreamKey", "a", {"provider": "mock"}, uid="")).uid == "UpstreamKey/default/a"


def test_only_manifests_of_the_group_are_ours() -> None:
    assert is_ours({"apiVersion": "havuz.dev/v9"})
    assert not is_ours({"apiVersion": "v1"})
    assert not is_ours({})


def test_mode_and_prefix_of_a_key_can_not_change() -> None:
    before = project(keys=[{"name": "live", "prefix": "pk_live_"}, {"name": "gone"}])
    after = project(keys=[{"name": "new"}, {"name": "live", "mode": "Test", "prefix": "sk-"}])
    assert refused_changes(before, after) == [
        Problem("spec.keys[1]", "mode of a key can not change; add a key under another name"),
        Problem("spec.keys[1]", "prefix of a key can not change; add a key under another name"),
    ]
    assert refused_changes(before, before) == []


def test_the_unit_of_a_project_that_pays_can_not_change() -> None:
    free, paying = project(billing={"unit": "USD"}), project(billing={"unit": "USD", "plan": "Prepaid"})
    other = project(billing={"unit": "credits", "plan": "Prepaid"})
    assert refused_changes(free, other) == []
    assert refused_changes(paying, other) == [
        Problem("spec.billing", "unit of a project that pays can not change; make another Project")
    ]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ["keys", "billing", "limits", "targets", "model", "prices", "provider", "headers", "baseURL", "failover"]


@given(
    kind=st.sampled_from(["Project", "UpstreamKey", "ModelRoute"]),
    spec=json_values | st.dictionaries(st.sampled_from(FIELDS), json_values),
)
def test_whatever_is_written_is_read_or_refused_with_a_sentence(kind: str, spec: Any) -> None:
    read: str | list[Problem]
    try:
        read = parse(document(kind, "any", spec)).kind
    except ManifestError as error:
        read = [problem for problem in error.problems if problem.sentence]
    assert read == kind or isinstance(read, list)
    assert read
