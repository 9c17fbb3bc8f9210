"""Rotation of project keys: what the annotation asks for, what a Secret remembers, and what gateways are told."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.manifests import made_key, project
from havuz_contract import project_keys, rotation
from havuz_contract.compiler.compile import Memo, ObjectStatus, Resources
from havuz_contract.compiler.compile import compile as compile_snapshot
from havuz_contract.snapshot.models import ProjectKey
from havuz_contract.v1alpha1.project import Project

NOW = datetime(2026, 11, 21, tzinfo=UTC)
PLACE = ("default", "shop-live")
BROUGHT = {"name": "own", "secretRef": {"name": "brought", "key": "k"}}
FIRST = dict(project_keys.secret_data(made_key(1), NOW - timedelta(days=30)))


def shop(rotate: str | None, **spec: Any) -> Project:
    annotations = {} if rotate is None else {"annotations": {rotation.ANNOTATION: rotate}}
    return project(**({"keys": [{"name": "live"}, BROUGHT]} | spec), metadata=annotations)


def after(
    entries: dict[str, str], seed: int, *, value: str = "", grace: str = "1h", now: datetime = NOW
) -> dict[str, str]:
    (asked, *_), _ = rotation.asked(shop(f"live={value or seed}"))
    return rotation.rotated(entries, asked, key=made_key(seed), grace=grace, now=now)


def compiled(
    one: Project, entries: dict[str, str], now: datetime = NOW, memo: Memo | None = None
) -> tuple[tuple[ProjectKey, ...], ObjectStatus]:
    secrets = {PLACE: entries, ("default", "brought"): {"k": "sk-customer-0123456789"}}
    result = compile_snapshot(Resources(projects=[one]), secrets, now, memo=memo)
    return result.snapshot.projects[one.uid].keys, result.statuses[one.ref]


def rotated_condition(status: ObjectStatus) -> tuple[str, str]:
    found = status.condition("Rotated")
    assert found is not None
    return found.reason, found.message


def test_each_key_that_is_named_with_a_value_is_asked_for() -> None:
    one = shop("live=1 , test = two,", keys=[{"name": "live"}, {"name": "test"}, {"name": "third"}])
    rotations, faults = rotation.asked(one)
    assert [(each.key.name, each.value, each.secret_name) for each in rotations] == [
        ("live", "1", "shop-live"),
        ("test", "two", "shop-test"),
    ]
    assert faults == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("live", "'live' in the annotation havuz.dev/rotate-key names no key and value"),
        ("live=", "'live=' in the annotation"),
        ("gone=1", "key 'gone' in the annotation havuz.dev/rotate-key is none of spec.keys"),
        ("own=1", "key 'own' is brought by Secret 'brought', and havuz can't rotate it"),
        ("live=1,live=2", "key 'live' is twice"),
    ],
)
def test_what_can_not_be_done_is_a_sentence(text: str, sentence: str) -> None:
    _, (fault,) = rotation.asked(shop(text))
    assert sentence in fault
    assert rotated_condition(compiled(shop(text), FIRST)[1])[0] == "RotationRefused"


@given(st.text(max_size=60))
def test_any_annotation_is_read(text: str) -> None:
    rotations, faults = rotation.asked(shop(text))
    assert len(rotations) + len(faults) <= text.count(",") + 1


def test_a_value_rotates_once() -> None:
    one = shop("live=2")
    assert [each.key.name for each in rotation.due(one, {PLACE: FIRST})] == ["live"]
    assert rotation.due(one, {PLACE: after(FIRST, 2)}) == []
    assert rotation.due(one, {}) == []
    assert rotation.due(shop(None), {PLACE: FIRST}) == []


def test_a_key_made_anew_is_newer_than_what_was_asked_for() -> None:
    one = shop("live=2")
    entries = FIRST | rotation.first_entries(one, one.spec.keys[0])
    assert rotation.due(one, {PLACE: entries}) == []
    assert rotation.first_entries(one, one.spec.keys[1]) == {}


def test_a_rotated_key_and_its_former_are_served_under_one_name_and_id() -> None:
    (before, *_), _ = compiled(shop(None), FIRST)
    keys, status = compiled(shop("live=2"), after(FIRST, 2))
    current, _, former = keys
    assert [key.sha256 for key in (current, former)] == [project_keys.sha256(made_key(seed)) for seed in (2, 1)]
    assert {(key.name, key.id) for key in (before, current, former)} == {("live", before.id)}
    assert (current.expires_at, former.expires_at) == (None, NOW.timestamp() + 3600)
    assert status.fields["keysReady"] == "2/2"
    assert status.fields["keys"][0]["createdAt"] == "2026-11-21T00:00:00Z"
    assert status.fields["keys"][0]["former"] == [
        {
            "masked": project_keys.masked(made_key(1)),
            "createdAt": "2026-10-22T00:00:00Z",
            "expiresAt": "2026-11-21T01:00:00Z",
        }
    ]
    assert rotated_condition(status)[0] == "Rotated"


def test_only_hashes_of_former_keys_are_kept() -> None:
    assert made_key(1) not in json.dumps(after(FIRST, 2))


def test_the_former_key_is_left_out_once_it_has_ended_although_nothing_else_changed() -> None:
    one, entries, memo = shop("live=2"), after(FIRST, 2), Memo()
    assert len(compiled(one, entries, memo=memo)[0]) == 3
    keys, status = compiled(one, entries, NOW + timedelta(hours=1), memo)
    assert [key.name for key in keys] == ["live", "own"]
    assert "former" not in status.fields["keys"][0]


def test_two_rotations_within_the_grace_leave_three_keys_working() -> None:
    entries = after(after(FIRST, 2), 3, now=NOW + timedelta(minutes=30))
    former = rotation.former_keys(entries)
    assert [one.sha256 for one in former] == [project_keys.sha256(made_key(seed)) for seed in (2, 1)]
    assert [one.until - NOW.timestamp() for one in former] == [5400, 3600]
    assert entries["id"] == project_keys.key_id(project_keys.sha256(made_key(1)))


def test_a_rotation_without_grace_leaves_the_new_key_alone() -> None:
    assert rotation.former_keys(after(after(FIRST, 2), 3, grace="0s")) == []


def test_no_more_than_eight_former_keys_are_kept() -> None:
    entries = FIRST
    for seed in range(2, 14):
        entries = after(entries, seed)
    assert len(rotation.former_keys(entries)) == 8


def test_a_former_key_never_outlives_the_end_of_its_entry() -> None:
    one = shop("live=2", keys=[{"name": "live", "expiresAt": "2026-11-21T00:10:00Z"}])
    assert [key.expires_at for key in compiled(one, after(FIRST, 2))[0]] == [NOW.timestamp() + 600] * 2


def test_a_former_value_that_is_put_back_works_as_the_current_key() -> None:
    back = after(FIRST, 2) | {"key": made_key(1)}
    keys, status = compiled(shop("live=2"), back)
    assert [key.expires_at for key in keys] == [None, None]
    resolved = status.condition("Resolved")
    assert resolved is not None
    assert resolved.status == "True"


def test_a_rotation_that_is_not_made_yet_says_so() -> None:
    reason, message = rotated_condition(compiled(shop("live=2"), FIRST)[1])
    assert (reason, "key 'live' is to be rotated for '2'" in message) == ("RotationPending", True)


def test_a_secret_that_havuz_did_not_make_is_not_rotated() -> None:
    reason, message = rotated_condition(compiled(shop("live=2"), {"key": made_key(1)})[1])
    assert (reason, "Secret 'shop-live' of key 'live' was not made by havuz" in message) == ("RotationRefused", True)


GOOD = {"sha256": "0" * 64, "masked": "m", "created_at": 0, "until": 4e9}


@pytest.mark.parametrize(
    "text",
    ["", "{", "7", "[7]", "null", '[{"sha256": "x"}]', "[" * 5000,
     json.dumps([GOOD | {"until": float("nan")}]), json.dumps([GOOD | {"until": 1e300}]),
     json.dumps([GOOD | {"sha256": "short"}])],
    ids=["empty", "torn", "number", "numbers", "null", "poor", "deep", "nan", "far", "no-hash"],
)  # fmt: skip
def test_a_damaged_list_of_former_keys_costs_only_them(text: str) -> None:
    keys, _ = compiled(shop(None), FIRST | {"formerKeys": text, "id": "../odd"})
    assert [key.name for key in keys] == ["live", "own"]
    assert keys[0].id == project_keys.key_id(keys[0].sha256)


def test_one_bad_former_key_does_not_take_the_others_along() -> None:
    entries = FIRST | {"formerKeys": json.dumps([{"sha256": 1}, GOOD, GOOD])}
    assert [one.sha256 for one in rotation.former_keys(entries)] == [GOOD["sha256"]]
