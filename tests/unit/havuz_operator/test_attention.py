"""Which statuses are looked at: what was called for, what is not finished, and now and then all."""

from typing import Any

import pytest

from havuz_contract.v1alpha1.meta import ObjectRef
from havuz_operator.attention import Attention

KEY, ROUTE, SHOP, CAFE = (
    ObjectRef("UpstreamKey", "ai", "key"),
    ObjectRef("ModelRoute", "ai", "route"),
    ObjectRef("Project", "ai", "shop"),
    ObjectRef("Project", "ai", "cafe"),
)
OBJECTS: dict[ObjectRef, Any] = dict.fromkeys((KEY, ROUTE, SHOP, CAFE), "stored")


def taken(attention: Attention) -> set[ObjectRef]:
    return {ref for ref, _ in attention.take(OBJECTS)[0]}


@pytest.fixture
def attention() -> Attention:
    fresh = Attention()
    fresh.take(OBJECTS)
    return fresh


def test_at_first_everything_is_looked_at() -> None:
    looked, everything = Attention().take(OBJECTS)
    assert ({ref for ref, _ in looked}, everything) == (set(OBJECTS), True)


def test_only_what_was_called_for_is_looked_at_and_once(attention: Attention) -> None:
    attention.call([SHOP])
    assert attention.wanted.is_set()
    assert (taken(attention), taken(attention)) == ({SHOP}, set())
    assert not attention.wanted.is_set()


def test_calls_add_up_and_nobody_s_call_is_lost_to_another_s(attention: Attention) -> None:
    attention.call([SHOP])
    attention.call([])
    attention.call([CAFE])
    assert taken(attention) == {SHOP, CAFE}
    attention.call([SHOP])
    attention.call(None)
    assert taken(attention) == set(OBJECTS)


def test_health_concerns_every_key_and_route_and_no_project(attention: Attention) -> None:
    attention.call_pools()
    assert taken(attention) == {KEY, ROUTE}


def test_a_key_that_has_changed_may_heal_the_routes_that_use_it(attention: Attention) -> None:
    attention.call([KEY])
    assert taken(attention) == {KEY, ROUTE}


def test_what_is_not_finished_is_looked_at_until_it_is(attention: Attention) -> None:
    attention.unfinished.add(CAFE)
    attention.call([SHOP])
    assert (taken(attention), taken(attention)) == ({SHOP, CAFE}, {CAFE})
    attention.unfinished.discard(CAFE)
    assert taken(attention) == set()


def test_what_is_gone_is_not_looked_at(attention: Attention) -> None:
    gone = ObjectRef("Project", "ai", "gone")
    attention.call([gone])
    attention.unfinished.add(gone)
    assert taken(attention) == set()
    assert gone not in attention.unfinished
