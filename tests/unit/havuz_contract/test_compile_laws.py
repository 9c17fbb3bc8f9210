"""What holds for compiling any resources whatever."""

import json
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness.manifests import document, made_key
from havuz_contract import keys
from havuz_contract.compiler.compile import Memo, Resources, resources_of
from havuz_contract.compiler.compile import compile as compile_snapshot
from havuz_contract.globs import matches_any
from havuz_contract.snapshot import prices
from havuz_contract.snapshot.diff import difference
from havuz_contract.snapshot.models import Part, Snapshot
from havuz_contract.v1alpha1.meta import KubeModel
from havuz_contract.v1alpha1.modelroute import ModelRouteStatus
from havuz_contract.v1alpha1.project import ProjectStatus
from havuz_contract.v1alpha1.registry import parse
from havuz_contract.v1alpha1.upstreamkey import UpstreamKeyStatus

NOW = datetime(2026, 11, 21, tzinfo=UTC)
names = st.sampled_from(["a", "b", "c", "d"])
namespaces = st.sampled_from(["x", "y"])
moments = st.sampled_from([f"2026-0{month}-01T00:00:00Z" for month in (1, 2)])
labels = st.dictionaries(st.sampled_from(["pool", "team"]), st.sampled_from(["p", "q"]))
references = st.fixed_dictionaries({"name": names, "key": names})
selectors = st.one_of(
    st.builds(lambda chosen: {"names": sorted(chosen)}, st.sets(names, min_size=1)),
    st.builds(lambda chosen: {"matchLabels": chosen}, labels),
)
keys_specs = st.fixed_dictionaries(
    {"provider": st.just("openai"), "secretRef": references},
    optional={
        "withoutSecret": st.sampled_from(["Refuse", "Mock"]),
        "suspended": st.booleans(),
        "models": st.lists(st.sampled_from(["*", "gpt-*", "m"]), max_size=2),
        "limits": st.just({"concurrency": 1}),
    },
)
targets = st.fixed_dictionaries({"keys": selectors}, optional={"model": st.sampled_from(["m", "gpt-4"])})
route_specs = st.fixed_dictionaries(
    {"model": st.sampled_from(["m", "n"]), "targets": st.lists(targets, min_size=1, max_size=3)},
    optional={
        "exposeTo": st.sampled_from([{"namespaces": "All"}, {"namespaces": "Selector", "selector": {}}]),
        "operations": st.sampled_from([["chat"], ["image"], ["chat", "embeddings"]]),
        "prices": st.sampled_from(
            [[{"unit": "USD", "input": "1", "output": "2"}], [{"unit": "credits", "input": "1"}]]
        ),
        "modes": st.builds(lambda some: {"think": {"targets": some}}, st.lists(targets, min_size=1, max_size=2)),
    },
)
project_specs = st.fixed_dictionaries(
    {"keys": st.lists(st.fixed_dictionaries({"name": names}), unique_by=lambda key: key["name"], max_size=3)},
    optional={
        "billing": st.sampled_from([{"plan": "Prepaid"}, {"plan": "Prepaid", "unit": "credits"}, {"unit": "credits"}]),
        "models": st.sampled_from([{"allow": ["m"]}, {"deny": ["*"]}]),
        "rotationGrace": st.just("1h"),
        "suspended": st.booleans(),
    },
)


@st.composite
def objects(draw: st.DrawFn) -> list[Any]:
    found = []
    for kind, specs in (("UpstreamKey", keys_specs), ("ModelRoute", route_specs), ("Project", project_specs)):
        for namespace, name in draw(st.sets(st.tuples(namespaces, names), max_size=5)):
            about = {"namespace": namespace, "creationTimestamp": draw(moments), "labels": draw(labels)}
            found.append(parse(document(kind, name, draw(specs), **about)))
    return found


secrets = st.dictionaries(
    st.tuples(namespaces, st.sampled_from(["a", "b", "a-a", "a-b", "b-a", "c-d"])),
    st.dictionaries(st.sampled_from(["a", "b", "key"]), st.sampled_from(["", "é", made_key(1), made_key(2)])),
)
STATUSES: dict[str, type[KubeModel]] = {
    "Project": ProjectStatus,
    "ModelRoute": ModelRouteStatus,
    "UpstreamKey": UpstreamKeyStatus,
}
LABELS = {"x": {"team": "p"}, "y": {}}


@given(objects(), secrets, st.randoms(use_true_random=False))
def test_the_order_of_objects_does_not_matter(found: list[Any], given_secrets: Any, rng: random.Random) -> None:
    before = compile_snapshot(resources_of(found, LABELS), given_secrets, NOW)
    rng.shuffle(found)
    after = compile_snapshot(resources_of(found, LABELS), given_secrets, NOW)
    assert before == after


@given(objects(), secrets)
def test_every_object_gets_its_conditions_and_is_served_only_when_accepted(
    found: list[Any], given_secrets: Any
) -> None:
    compiled = compile_snapshot(resources_of(found, LABELS), given_secrets, NOW)
    served = {*compiled.snapshot.upstreams, *compiled.snapshot.routes, *compiled.snapshot.projects}
    assert set(compiled.statuses) == {one.ref for one in found}
    for status in compiled.statuses.values():
        types = [condition.type for condition in status.conditions]
        assert types == ["Accepted", "Resolved"] or (types == ["Accepted", "Resolved", "Priced"] and status.served)
        assert all(condition.message for condition in status.conditions)
        assert status.served == (status.uid in served)
        assert (status.obstacle is None) == (status.served or status.settled)
        assert not status.served or status.conditions[0].status == "True"


@given(objects(), secrets)
def test_the_status_that_follows_is_one_the_api_server_takes(found: list[Any], given_secrets: Any) -> None:
    for ref, status in compile_snapshot(resources_of(found, LABELS), given_secrets, NOW).statuses.items():
        conditions = [
            {
                "type": condition.type,
                "status": condition.status,
                "reason": condition.reason,
                "message": condition.message,
                "lastTransitionTime": NOW.isoformat(),
            }
            for condition in status.conditions
        ]
        written = json.dumps({**status.fields, "conditions": conditions})
        assert STATUSES[ref.kind].model_validate_json(written)


@given(objects(), secrets)
def test_a_route_names_only_upstreams_of_its_own_namespace_that_are_in_the_snapshot(
    found: list[Any], given_secrets: Any
) -> None:
    snapshot = compile_snapshot(resources_of(found, LABELS), given_secrets, NOW).snapshot
    for route in snapshot.routes.values():
        namespace = route.name.partition("/")[0]
        for target in (*route.targets, *(one for mode in route.modes.values() for one in mode.targets)):
            assert all(snapshot.upstreams[uid].name.startswith(f"{namespace}/") for uid in target.upstreams)


@given(objects(), secrets)
def test_no_two_projects_share_a_key_and_no_two_routes_a_model_id(found: list[Any], given_secrets: Any) -> None:
    snapshot = compile_snapshot(resources_of(found, LABELS), given_secrets, NOW).snapshot
    hashes = [key.sha256 for project in snapshot.projects.values() for key in project.keys]
    assert len(hashes) == len(set(hashes))
    for namespace in LABELS:
        seen = [route.model for route in snapshot.routes.values() if route.groups is None or namespace in route.groups]
        assert len(seen) == len(set(seen))


@given(objects(), objects(), secrets, secrets)
def test_a_memory_of_other_resources_changes_nothing(some: list[Any], more: list[Any], first: Any, second: Any) -> None:
    memo = Memo()
    for number, (found, given_secrets) in enumerate([(some, first), (more, second), (more, first), (some, first)]):
        versioned = [
            one.model_copy(update={"metadata": one.metadata.model_copy(update={"resource_version": str(number)})})
            for one in found
        ]
        resources = resources_of(versioned, LABELS)
        fresh = compile_snapshot(resources, given_secrets, NOW)
        assert compile_snapshot(resources, given_secrets, NOW, memo=memo) == fresh
        assert {name for name in memo.objects if not name.startswith("/pool/")} <= {one.uid for one in found}


@given(objects(), secrets)
def test_a_project_lacks_a_price_exactly_where_a_route_that_it_may_use_says_so(
    found: list[Any], given_secrets: Any
) -> None:
    compiled = compile_snapshot(resources_of(found, LABELS), given_secrets, NOW)
    verdicts = {status.uid: status.condition("Priced") for status in compiled.statuses.values()}
    for project in compiled.snapshot.projects.values():
        sees = [one for one in compiled.snapshot.routes.values() if one.groups is None or project.group in one.groups]
        lacking = [
            one
            for one in sees
            if matches_any(project.allow, one.model)
            and not matches_any(project.deny, one.model)
            and prices.missing(project.billing.unit, one)
        ]
        verdict = verdicts[project.uid]
        if project.billing.plan == "Unmetered":
            assert verdict is None
            continue
        assert verdict is not None
        assert (verdict.status == "False") == bool(lacking)
        for route in lacking:
            of_route = verdicts[route.uid]
            assert of_route is not None
            assert (of_route.status, of_route.reason) == ("False", "PriceMissing")
            assert repr(project.billing.unit) in of_route.message


def applied(before: Snapshot, after: Snapshot) -> Mapping[str, Mapping[str, Part]]:
    """What a gateway holds that had `before` and is told the difference."""
    change = difference(before, after)
    held: dict[str, dict[str, Part]] = {
        keys.UPSTREAMS: {**before.upstreams},
        keys.ROUTES: {**before.routes},
        keys.PROJECTS: {**before.projects},
    }
    for hash_key, parts in held.items():
        parts.update(change.upsert[hash_key])
        for uid in change.delete[hash_key]:
            del parts[uid]
    return held


@given(objects(), objects(), secrets)
def test_the_difference_applied_to_the_old_snapshot_is_the_new_one(
    old: list[Any], new: list[Any], given_secrets: Any
) -> None:
    before, after = (compile_snapshot(resources_of(found, LABELS), given_secrets, NOW).snapshot for found in (old, new))
    assert list(applied(before, after).values()) == [after.upstreams, after.routes, after.projects]
    assert not difference(after, after)


@given(st.text("ab*", max_size=6), st.text("ab", max_size=6))
def test_a_star_stands_for_any_text(pattern: str, model: str) -> None:
    def fits(rest: str, text: str) -> bool:
        if not rest:
            return not text
        if rest[0] == "*":
            return any(fits(rest[1:], text[start:]) for start in range(len(text) + 1))
        return bool(text) and text[0] == rest[0] and fits(rest[1:], text[1:])

    assert matches_any([pattern], model) == fits(pattern, model)


def test_nothing_compiles_to_an_empty_snapshot() -> None:
    compiled = compile_snapshot(Resources(), {}, NOW)
    assert (compiled.snapshot, compiled.statuses) == (Snapshot(), {})
