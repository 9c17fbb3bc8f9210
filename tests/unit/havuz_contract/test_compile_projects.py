"""Projects: their keys by hash, their rights, and what this version refuses to pretend."""

from datetime import UTC, datetime

import pytest

from harness.manifests import made_key, project
from havuz_contract import project_keys
from havuz_contract.compiler.compile import Memo, ObjectStatus, Resources, Secrets
from havuz_contract.compiler.compile import compile as compile_snapshot
from havuz_contract.snapshot.models import Project as ProjectPart
from havuz_contract.v1alpha1.conditions import Condition
from havuz_contract.v1alpha1.project import Project

NOW = datetime(2026, 11, 21, tzinfo=UTC)
MARS = {"plan": "Monthly", "monthly": {"allowance": "1", "timeZone": "Mars/Olympus"}}
LIVE, TEST = made_key(1), made_key(2, "pk_test_")
SECRETS: Secrets = {
    ("default", "shop-live"): dict(project_keys.secret_data(LIVE, NOW)),
    ("default", "shop-test"): dict(project_keys.secret_data(TEST, NOW)),
    ("default", "brought"): {"k": "sk-gb-customer-1234567890", "short": "sk-1"},
}


def compiled(shop: Project, secrets: Secrets = SECRETS) -> tuple[ProjectPart | None, ObjectStatus]:
    result = compile_snapshot(Resources(projects=[shop]), secrets, NOW)
    return result.snapshot.projects.get(shop.uid), result.statuses[shop.ref]


def condition(status: ObjectStatus, kind: str) -> Condition:
    found = status.condition(kind)
    assert found is not None
    return found


def test_a_gateway_knows_a_key_by_its_hash_alone() -> None:
    part, _ = compiled(project())
    assert part is not None
    assert [key.sha256 for key in part.keys] == [project_keys.sha256(LIVE), project_keys.sha256(TEST)]
    assert [key.mode for key in part.keys] == ["Live", "Test"]
    assert LIVE not in part.model_dump_json()


def test_the_status_shows_a_key_without_giving_it_away() -> None:
    _, status = compiled(project())
    assert status.fields["keysReady"] == "2/2"
    assert status.fields["keys"][0] == {
        "name": "live",
        "id": project_keys.key_id(project_keys.sha256(LIVE)),
        "masked": project_keys.masked(LIVE),
        "createdAt": "2026-11-21T00:00:00Z",
    }


def test_a_key_that_has_no_secret_yet_is_pending_while_the_others_work() -> None:
    part, status = compiled(project(), {key: value for key, value in SECRETS.items() if key[1] != "shop-test"})
    assert part is not None
    assert [key.name for key in part.keys] == ["live"]
    assert condition(status, "Resolved").reason == "KeyPending"
    assert "key 'test': Secret 'shop-test' does not exist" in condition(status, "Resolved").message
    assert (status.served, status.fields["keysReady"]) == (True, "1/2")


@pytest.mark.parametrize(
    ("ref", "reason"),
    [
        ({"name": "gone", "key": "k"}, "SecretNotFound"),
        ({"name": "brought", "key": "short"}, "InvalidSecret"),
    ],
)
def test_a_brought_key_that_can_not_be_used_says_why(ref: dict[str, str], reason: str) -> None:
    part, status = compiled(project(keys=[{"name": "own", "secretRef": ref}]))
    assert part is not None
    assert part.keys == ()
    assert condition(status, "Resolved").reason == reason


def test_a_brought_key_works_as_it_is_until_it_expires() -> None:
    key = {"name": "own", "secretRef": {"name": "brought", "key": "k"}, "expiresAt": "2026-11-22T00:00:00Z"}
    part, status = compiled(project(keys=[key]))
    assert part is not None
    assert part.keys[0].sha256 == project_keys.sha256("sk-gb-customer-1234567890")
    assert part.keys[0].expires_at == NOW.timestamp() + 86_400
    assert condition(status, "Resolved").message == "All 1 keys were found."


def test_an_expired_key_is_said_to_be_and_left_to_the_gateways_clock() -> None:
    key = {"name": "live", "expiresAt": "2026-11-20T00:00:00Z"}
    part, status = compiled(project(keys=[key]))
    assert part is not None
    assert len(part.keys) == 1
    assert condition(status, "Resolved").message == "All 1 keys were found; expired: live."


def test_rights_review_and_surface_reach_the_gateway() -> None:
    part, _ = compiled(
        project(
            displayName="Shop",
            models={"allow": ["gemini-*"], "deny": ["gemini-pro"]},
            review={"until": "2026-12-01T00:00:00Z", "models": ["gemini-flash"]},
            surface={"hosts": ["api.example.com"], "protocols": ["OpenAI"]},
            suspended=True,
        )
    )
    assert part is not None
    assert (part.allow, part.deny, part.group, part.display_name) == (("gemini-*",), ("gemini-pro",), "default", "Shop")
    assert part.review is not None
    assert part.review.models == ("gemini-flash",)
    assert (part.surface.hosts, part.surface.protocols) == (
        ("api.example.com",),
        ("openai_chat", "openai_responses"),
    )
    assert part.suspended


def test_keys_that_the_customer_made_are_read_again_when_one_comes_or_goes() -> None:
    memo = Memo()
    shop = project(selfService={"maxKeys": 2})
    extra = {**SECRETS, ("default", "shop-extra"): {"key": made_key(9), "selfMadeFor": "shop"}}
    names = []
    for secrets in (SECRETS, extra, SECRETS):
        result = compile_snapshot(Resources(projects=[shop]), secrets, NOW, memo=memo)
        names.append([key.name for key in result.snapshot.projects[shop.uid].keys])
    assert names == [["live", "test"], ["live", "test", "extra"], ["live", "test"]]


def test_empty_limits_ask_for_nothing_and_are_fine() -> None:
    part, _ = compiled(project(limits={}))
    assert part is not None


def rivals() -> tuple[Project, Project, Secrets]:
    old = project("old", keys=[{"name": "live"}], metadata={"creationTimestamp": "2026-01-01T00:00:00Z"})
    young = project(
        "young",
        keys=[{"name": "live"}, {"name": "mine"}],
        metadata={"creationTimestamp": "2026-02-01T00:00:00Z", "namespace": "other"},
    )
    secrets = {
        ("default", "old-live"): {"key": made_key(1)},
        ("other", "young-live"): {"key": made_key(1)},
        ("other", "young-mine"): {"key": made_key(2)},
    }
    return old, young, secrets


def test_a_key_of_two_projects_works_for_the_older_alone() -> None:
    old, young, secrets = rivals()
    result = compile_snapshot(Resources(projects=[young, old]), secrets, NOW)
    assert [key.name for key in result.snapshot.projects[old.uid].keys] == ["live"]
    assert [key.name for key in result.snapshot.projects[young.uid].keys] == ["mine"]
    refusal = condition(result.statuses[young.ref], "Resolved")
    assert refusal.reason == "DuplicateKey"
    assert "old" not in refusal.message.replace("older", "")


def test_one_key_under_two_names_of_a_project_works_once() -> None:
    secrets = {("default", "shop-live"): {"key": LIVE}, ("default", "shop-test"): {"key": LIVE}}
    part, status = compiled(project(), secrets)
    assert part is not None
    assert [key.name for key in part.keys] == ["live"]
    assert condition(status, "Resolved").reason == "DuplicateKey"


def test_a_project_that_is_refused_keeps_no_key_from_others() -> None:
    old, young, secrets = rivals()
    refused = old.model_copy(update={"spec": project("old", billing=MARS, keys=[{"name": "live"}]).spec})
    result = compile_snapshot(Resources(projects=[refused, young]), secrets, NOW)
    assert [key.name for key in result.snapshot.projects[young.uid].keys] == ["live", "mine"]


def test_a_project_remembered_from_before_is_read_again_when_its_secret_changes() -> None:
    memo = Memo()
    shop = project()
    first = compile_snapshot(Resources(projects=[shop]), SECRETS, NOW, memo=memo)
    same = compile_snapshot(Resources(projects=[project()]), SECRETS, NOW, memo=memo)
    changed = {**SECRETS, ("default", "shop-live"): {"key": made_key(9)}}
    other = compile_snapshot(Resources(projects=[shop]), changed, NOW, memo=memo)
    assert same.snapshot.projects[shop.uid] is first.snapshot.projects[shop.uid]
    assert other.snapshot.projects[shop.uid].keys[0].sha256 == project_keys.sha256(made_key(9))
    compile_snapshot(Resources(), SECRETS, NOW, memo=memo)
    assert memo.objects == {}


@pytest.mark.parametrize(
    "created", ["", "yesterday", "0001-01-01T00:00:00+14:00", "2026-11-21", "9999-12-31T23:59:59-14:00"]
)
def test_any_time_of_making_in_a_secret_is_read_or_left_out(created: str) -> None:
    part, status = compiled(project(), {("default", "shop-live"): {"key": LIVE, "createdAt": created}})
    assert part is not None
    assert part.keys[0].created_at >= 0
    assert status.fields["keys"][0]["name"] == "live"
