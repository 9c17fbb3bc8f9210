"""What a customer's request comes to, given the Project and the Secrets as they are."""

from datetime import UTC, datetime
from typing import Any

import pytest

from harness.manifests import made_key, project
from havuz_contract import key_changes, project_keys, rotation
from havuz_contract.compiler.compile import Resources
from havuz_contract.compiler.compile import compile as compile_snapshot
from havuz_contract.key_changes import Decision, Finished, Make, Refuse, Remove, Replace
from havuz_contract.key_requests import KeyRequest
from havuz_contract.snapshot.models import Project as ProjectPart
from havuz_contract.v1alpha1.project import Project

NOW = datetime(2026, 11, 21, tzinfo=UTC)
KEYS = [
    {"name": "live", "prefix": "sk_shop_"},
    {"name": "test", "mode": "Test"},
    {"name": "own", "secretRef": {"name": "brought", "key": "k"}},
]
LIVE, TEST = made_key(1, "sk_shop_"), made_key(2, "pk_test_")
Secrets = dict[tuple[str, str], dict[str, str]]


def id_of(key: str) -> str:
    return project_keys.key_id(project_keys.sha256(key))


def secrets(**further: dict[str, str]) -> Secrets:
    held = {
        ("default", "shop-live"): dict(project_keys.secret_data(LIVE, NOW)),
        ("default", "shop-test"): dict(project_keys.secret_data(TEST, NOW)),
        ("default", "brought"): {"k": "sk-customer-0123456789"},
    }
    return held | {("default", f"shop-{name}"): entries for name, entries in further.items()}


def self_made(seed: int, asked: str = "request-of-before") -> dict[str, str]:
    one = request("Create", "extra", id=asked)
    return {**project_keys.secret_data(made_key(seed), NOW), **key_changes.made_entries(one)}


def shop(most: int = 2) -> Project:
    return project(keys=KEYS, selfService={"maxKeys": most})


def request(action: Any, key: str, **fields: Any) -> KeyRequest:
    given = {"id": "request-0123456789", "asked_at": NOW.timestamp(), "asked_by": id_of(LIVE)}
    place = {"project_uid": shop().uid, "namespace": "default", "project": "shop"}
    return KeyRequest(action=action, key=key, **(given | place | fields))


def decided(
    action: str, key: str, *, held: Secrets | None = None, to: Project | None = None, **fields: Any
) -> Decision:
    return key_changes.decide(request(action, key, **fields), to or shop(), held or secrets(), NOW)


def part(held: Secrets, of: Project | None = None) -> ProjectPart:
    one = of or shop()
    return compile_snapshot(Resources(projects=[one]), held, NOW).snapshot.projects[one.uid]


def test_a_reset_replaces_the_key_and_is_finished_once_the_secret_says_so() -> None:
    change = decided("Reset", "live")
    assert isinstance(change, Replace)
    assert (change.secret_name, change.prefix) == ("shop-live", "sk_shop_")
    held = secrets()
    before = held["default", "shop-live"]
    new = made_key(9, change.prefix)
    held["default", "shop-live"] = {
        **before,
        **key_changes.reset_entries(before, request("Reset", "live"), key=new, now=NOW),
    }
    assert decided("Reset", "live", held=held) == Finished(
        "Key 'live' was reset; the one before does not work any more.", new
    )
    served = [key for key in part(held).keys if key.name == "live"]
    assert [(key.id, key.sha256) for key in served] == [(id_of(LIVE), project_keys.sha256(new))]


def test_a_reset_ends_the_keys_of_earlier_rotations_too() -> None:
    (asked, *_), _ = rotation.asked(project(keys=KEYS, metadata={"annotations": {rotation.ANNOTATION: "live=1"}}))
    held = secrets()
    place = ("default", "shop-live")
    rotated = {**held[place], **rotation.rotated(held[place], asked, key=made_key(5), grace="24h", now=NOW)}
    reset = key_changes.reset_entries(rotated, request("Reset", "live"), key=made_key(6), now=NOW)
    held[place] = {**rotated, **reset}
    assert len([key for key in part(held).keys if key.name == "live"]) == 1
    assert held[place][rotation.ROTATED_ENTRY] == "1"


def test_a_key_that_is_made_is_served_beside_those_of_the_spec_and_may_be_revoked() -> None:
    change = decided("Create", "extra")
    assert isinstance(change, Make)
    assert (change.secret_name, change.prefix) == ("shop-extra", "sk_shop_")
    held = secrets(extra=self_made(7, asked="request-0123456789"))
    assert decided("Create", "extra", held=held) == Finished("Key 'extra' was made.", made_key(7))
    served = {key.name: (key.origin, key.mode) for key in part(held).keys}
    assert served == {
        "live": ("Made", "Live"),
        "test": ("Made", "Test"),
        "own": ("Brought", "Live"),
        "extra": ("SelfMade", "Live"),
    }
    assert part(held).most_self_made == 2
    assert decided("Revoke", "extra", held=held) == Remove(project_keys.self_made_key("extra"), "shop-extra")
    assert decided("Revoke", "extra") == Finished("There is no key 'extra' any more.")


def test_a_key_that_the_spec_takes_over_by_its_name_is_not_the_customer_s_to_revoke() -> None:
    taken_over = project(keys=[*KEYS, {"name": "extra"}], selfService={"maxKeys": 2})
    held = secrets(extra=self_made(7))
    assert isinstance(decided("Revoke", "extra", held=held, to=taken_over), Refuse)
    assert [key.name for key in part(held, taken_over).keys].count("extra") == 1


@pytest.mark.parametrize(
    ("action", "key", "sentence"),
    [
        ("Reset", "own", "Key 'own' is kept by whoever gave it to you"),
        ("Reset", "nobody", "There is no key 'nobody'."),
        ("Create", "live", "There is a key 'live' already"),
        ("Create", "Extra!", "The name of a key has 1 to 40"),
        ("Create", "taken", "The name 'taken' is taken"),
        ("Revoke", "live", "Key 'live' was not made in the dashboard"),
    ],
)
def test_what_can_not_be_done_is_refused_with_a_sentence(action: str, key: str, sentence: str) -> None:
    found = decided(action, key, held=secrets(taken={"key": "of somebody else"}))
    assert isinstance(found, Refuse)
    assert found.sentence.startswith(sentence)


def test_a_secret_that_havuz_did_not_make_is_not_reset() -> None:
    held = secrets()
    held["default", "shop-live"] = {"key": LIVE}
    found = decided("Reset", "live", held=held)
    assert isinstance(found, Refuse)
    assert found.sentence.startswith("Key 'live' was not made here")


def test_no_more_keys_are_made_than_the_project_allows() -> None:
    held = secrets(one=self_made(3), two=self_made(4))
    found = decided("Create", "extra", held=held)
    assert isinstance(found, Refuse)
    assert found.sentence.startswith("You may make 2 keys, and have 2; revoke one first")
    none = decided("Create", "extra", to=shop(most=0))
    assert isinstance(none, Refuse)
    assert none.sentence.startswith("You may make no keys")


def test_a_test_key_gets_nobody_a_live_one() -> None:
    for action, key in (("Reset", "live"), ("Create", "extra")):
        found = decided(action, key, asked_by=id_of(TEST))
        assert isinstance(found, Refuse)
        assert found.sentence.startswith("A test key can't")
    assert isinstance(decided("Reset", "test", asked_by=id_of(TEST)), Replace)


def test_a_key_that_has_ended_asks_for_nothing() -> None:
    found = decided("Reset", "live", asked_by="key_of_before")
    assert isinstance(found, Refuse)
    assert "does not work any more" in found.sentence


def test_a_request_of_a_project_that_is_gone_or_of_yesterday_is_refused() -> None:
    assert decided("Reset", "live", project_uid="another") == Refuse("This project is gone.")
    late = decided("Reset", "live", asked_at=NOW.timestamp() - 86_401)
    assert isinstance(late, Refuse)
    assert "waited for a day" in late.sentence
