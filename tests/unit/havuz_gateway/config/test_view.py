"""The index of one revision: keys, routes as a project sees them, and rights."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.builders import Customer, make_project, make_route, make_upstream
from havuz_contract.globs import matches_any
from havuz_contract.snapshot.models import Billing, Price, Project, Review, Route, Snapshot
from havuz_gateway.config.view import View

NOW = 1_000.0


def snapshot_of(*parts: Route | Customer) -> Snapshot:
    return Snapshot(
        routes={part.uid: part for part in parts if isinstance(part, Route)},
        projects={part.project.uid: part.project for part in parts if isinstance(part, Customer)},
    )


def view_of(*parts: Route | Customer) -> View:
    return View(snapshot_of(*parts), 1)


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def test_a_key_is_found_by_its_hash_together_with_its_project() -> None:
    one, other = make_project(), make_project()
    found = view_of(one, other).key(digest(other.test))
    assert found is not None
    project, key = found
    assert (project, key.mode) == (other.project, "Test")


def test_an_unknown_key_is_not_found() -> None:
    assert view_of(make_project()).key(digest("pk_live_wrong")) is None


def test_a_route_is_found_by_model_id_and_by_alias() -> None:
    route, customer = make_route(model="gpt", aliases=("flash", "mini")), make_project()
    view = view_of(route, customer)
    assert [view.route(customer.project, name) for name in ("gpt", "flash", "mini", "other")] == [route] * 3 + [None]


def test_a_route_for_other_groups_is_not_seen() -> None:
    route, mine = make_route(model="gpt", groups=("team-b",)), make_project(group="team-a")
    view = view_of(route, mine)
    assert view.route(mine.project, "gpt") is None
    assert view.routes(mine.project, NOW) == []


@pytest.mark.parametrize("own_first", [True, False])
def test_of_two_routes_with_one_model_id_the_lower_order_serves(own_first: bool) -> None:
    own = make_route(model="gpt", groups=("team-a",), order=0 if own_first else 1)
    shared = make_route(model="gpt", order=1 if own_first else 0)
    customer = make_project(group="team-a")
    view = view_of(own, shared, customer)
    serving = own if own_first else shared
    assert view.route(customer.project, "gpt") == serving
    assert view.routes(customer.project, NOW) == [serving]


def test_the_list_of_models_has_no_aliases_and_is_sorted() -> None:
    b, a, customer = make_route(model="b", aliases=("c",)), make_route(model="a"), make_project()
    assert view_of(b, a, customer).routes(customer.project, NOW) == [a, b]


def test_what_is_denied_wins_over_what_is_allowed() -> None:
    customer = make_project(allow=("gpt-*", "claude"), deny=("*-pro",))
    view = view_of(customer)
    asked = ("gpt-4o", "gpt-5-pro", "claude", "claude-2")
    assert [view.may_use(customer.project, model, NOW) for model in asked] == [True, False, True, False]


def test_a_review_replaces_the_allowed_models_until_it_ends() -> None:
    review = Review(until=NOW + 1, models=("small",))
    customer = make_project(allow=("large",), review=review)
    view = view_of(customer)
    assert [view.may_use(customer.project, model, NOW) for model in ("small", "large")] == [True, False]
    assert [view.may_use(customer.project, model, NOW + 1) for model in ("small", "large")] == [False, True]


@pytest.mark.parametrize(
    ("billing", "listed"),
    [
        (Billing(), ["dear", "free"]),
        (Billing(plan="Prepaid"), ["dear"]),
        (Billing(plan="Prepaid", unit="credits"), []),
    ],
)
def test_what_has_no_price_in_its_unit_is_not_listed_for_a_project_that_pays(
    billing: Billing, listed: list[str]
) -> None:
    customer = make_project(billing=billing)
    dear = make_route(model="dear", prices=(Price(unit="USD", input=1),))  # embeddings alone have one
    found = view_of(dear, make_route(model="free"), customer).routes(customer.project, 0)
    assert [route.model for route in found] == listed


def test_the_view_that_follows_forgets_what_is_gone_and_knows_what_is_new() -> None:
    stays, leaves, comes = make_project(), make_project(), make_project()
    before = view_of(make_route(model="old"), stays, leaves)
    after = View(snapshot_of(make_route(model="new"), stays, comes), 2, before=before)
    assert after.key(digest(leaves.live)) is None
    assert after.key(digest(stays.live)) is not None
    assert after.key(digest(comes.live)) is not None
    assert [route.model for route in after.routes(stays.project, NOW)] == ["new"]


def test_a_key_that_moved_to_another_project_is_found_there() -> None:
    before = make_project()
    moved = Project(uid="other", name="default/other", keys=before.project.keys)
    after = View(Snapshot(projects={"other": moved}), 2, before=view_of(before))
    found = after.key(digest(before.live))
    assert found is not None
    assert found[0].uid == "other"


def test_rights_that_changed_are_not_remembered_from_the_view_before() -> None:
    customer = make_project(allow=("a",))
    before = view_of(customer)
    assert not before.may_use(customer.project, "b", NOW)
    changed = customer.project.model_copy(update={"allow": ("b",)})
    after = View(Snapshot(projects={changed.uid: changed}), 2, before=before)
    assert after.may_use(changed, "b", NOW)


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_a_star_stands_for_any_text_and_nothing_else_is_special(head: str, middle: str, tail: str) -> None:
    literal = f"{head}{tail}".replace("*", "")
    assert matches_any([literal], literal)
    assert matches_any([f"{head}*{tail}"], f"{head}{middle}{tail}")
    assert matches_any([literal], f"{literal}x") == (literal == f"{literal}x")


def test_an_upstream_is_not_part_of_what_a_request_looks_up() -> None:
    upstream = make_upstream()
    view = View(Snapshot(upstreams={upstream.uid: upstream}), 7)
    assert (view.revision, view.snapshot.upstreams[upstream.uid]) == (7, upstream)
