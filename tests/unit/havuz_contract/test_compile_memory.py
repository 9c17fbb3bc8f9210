"""What a memory spares: kinds of which nothing changed are not looked at, and are the very same afterwards."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from harness.manifests import made_key, model_route, project, upstream_key
from havuz_contract.compiler.compile import Compiled, Memo, Resources, Secrets
from havuz_contract.compiler.compile import compile as compile_snapshot
from havuz_contract.compiler.outcome import differing
from havuz_contract.snapshot.diff import difference

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECRETS: Secrets = {
    ("default", "provider-keys"): {"a": "sk-a"},
    ("default", "shop-live"): {"key": made_key(1)},
    ("default", "cafe-live"): {"key": made_key(2)},
}
USD = {"unit": "USD", "input": "1", "output": "2"}
LIVE: dict[str, Any] = {"keys": [{"name": "live"}], "billing": {"plan": "Prepaid"}}
SHOP, CAFE = project("shop", **LIVE), project("cafe", **LIVE)
ROUTE, OTHER = model_route("gpt", prices=[USD]), model_route("other", prices=[USD])
ALL = Resources(upstream_keys=(upstream_key("a"),), model_routes=(ROUTE, OTHER), projects=(SHOP, CAFE))


def second_version(**spec: Any) -> Any:
    return model_route("gpt", metadata={"resourceVersion": "2"}, **spec)


def remembered(*worlds: Resources, secrets: Secrets = SECRETS, now: datetime = NOW) -> list[Compiled]:
    memo = Memo()
    results = [compile_snapshot(one, secrets, now, memo=memo) for one in worlds]
    assert results == [compile_snapshot(one, secrets, now) for one in worlds]
    return results


def test_what_did_not_change_is_the_very_same_and_nothing_differs() -> None:
    first, second = remembered(ALL, ALL)
    assert differing(None, first) == set(first.statuses)
    assert differing(first, second) == set()
    assert not difference(first.snapshot, second.snapshot)
    assert second.snapshot.projects is first.snapshot.projects


def test_a_route_that_changed_leaves_projects_and_keys_alone() -> None:
    changed = replace(ALL, model_routes=(second_version(prices=[USD], aliases=["fast"]), OTHER))
    first, second = remembered(ALL, changed)
    assert differing(first, second) == {ROUTE.ref}
    assert second.snapshot.projects is first.snapshot.projects
    assert second.snapshot.upstreams is first.snapshot.upstreams
    assert difference(first.snapshot, second.snapshot).upsert == {
        "havuz:{config}:routes": {ROUTE.uid: second.snapshot.routes[ROUTE.uid]}
    }


def test_a_route_that_loses_its_price_is_news_of_the_projects_that_pay() -> None:
    first, second = remembered(ALL, replace(ALL, model_routes=(second_version(), OTHER)))
    assert differing(first, second) == {ROUTE.ref, SHOP.ref, CAFE.ref}
    verdict = second.statuses[SHOP.ref].condition("Priced")
    assert verdict is not None
    assert verdict.status == "False"


def test_a_project_that_changed_leaves_the_others_alone() -> None:
    moved = project("shop", metadata={"resourceVersion": "2"}, displayName="Shop", **LIVE)
    first, second = remembered(ALL, replace(ALL, projects=(moved, CAFE)))
    assert differing(first, second) == {SHOP.ref}
    assert second.snapshot.projects[CAFE.uid] is first.snapshot.projects[CAFE.uid]


def test_what_is_gone_is_forgotten() -> None:
    memo = Memo()
    compile_snapshot(ALL, SECRETS, NOW, memo=memo)
    left = compile_snapshot(replace(ALL, projects=(CAFE,)), SECRETS, NOW, memo=memo)
    assert set(left.snapshot.projects) == {CAFE.uid}
    assert SHOP.uid not in memo.objects


def test_a_key_of_the_pool_that_changed_is_seen_by_its_routes() -> None:
    away = upstream_key("a", metadata={"resourceVersion": "2"}, suspended=True)
    first, second = remembered(ALL, replace(ALL, upstream_keys=(away,)))
    assert differing(first, second) == {away.ref, ROUTE.ref, OTHER.ref}


def test_time_alone_changes_a_project_when_a_key_of_it_ends() -> None:
    ends = NOW + timedelta(hours=1)
    brief = project("shop", keys=[{"name": "live", "expiresAt": ends.isoformat()}])
    world, memo = Resources(projects=(brief, CAFE)), Memo()
    before, still, after, much_later, earlier = (
        compile_snapshot(world, SECRETS, NOW + timedelta(minutes=minutes), memo=memo) for minutes in (0, 59, 60, 90, 0)
    )
    assert before.next_end == ends.timestamp()
    assert (differing(before, still), differing(still, after)) == (set(), {brief.ref})
    assert after.next_end == float("inf")
    assert differing(after, much_later) == set()
    assert earlier == before
