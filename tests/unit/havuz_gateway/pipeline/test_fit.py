"""Which targets a prompt clearly does not fit, and what it would cost at each."""

import json
from typing import Any

from harness.builders import make_route, make_upstream
from havuz_contract.snapshot.models import Parameters, Price, Route, Target
from havuz_gateway.pipeline.fit import costs, too_small
from havuz_gateway.pipeline.types import Call, Plan
from havuz_gateway.pool.types import Candidate, Member
from havuz_gateway.protocols.body import Body
from havuz_gateway.providers.mock import Mock, MockTransport


def target(window: int | None = None, **fields: Any) -> Target:
    return Target(upstreams=(), model="m", context_window=window, **fields)


def plan_of(*targets: Target, route: Route | None = None) -> Plan:
    member = Member(make_upstream(), Mock(), MockTransport(lambda: 0.0))
    return Plan(route=route or make_route(), tiers=tuple((Candidate(one, member, 1.0),) for one in targets))


def small(asked: Call, *targets: Target) -> frozenset[int]:
    return too_small(asked, plan_of(*targets), targets)


def call(characters: int, **fields: Any) -> Call:
    body = {"messages": [{"role": "user", "content": "x" * characters}], **fields}
    raw = json.dumps(body).encode()
    return Call(action="chat", protocol="openai_chat", model="m", stream=False, body=Body.decode(raw))


def test_a_target_that_clearly_overflows_is_found_where_another_may_fit() -> None:
    tight, large, unknown = target(1_000), target(100_000), target()
    assert small(call(40_000), tight, large) == {id(tight)}
    assert small(call(40_000), tight, unknown) == {id(tight)}
    assert small(call(400), tight, large) == frozenset()


def test_what_may_fit_is_tried() -> None:
    tight, large = target(1_000), target(100_000)
    assert small(call(5_500), tight, large) == frozenset(), "1,379 by the estimate, which may be wrong"


def test_the_output_that_is_asked_for_counts() -> None:
    tight, large = target(1_000), target(100_000)
    assert small(call(400, max_tokens=990), tight, large) == {id(tight)}
    forced = target(1_000, parameters=Parameters(overrides={"max_tokens": 10}))
    assert small(call(400, max_tokens=990), forced, large) == frozenset()


def test_where_none_fits_the_providers_decide() -> None:
    assert small(call(400_000), target(1_000), target(2_000)) == frozenset()
    assert small(call(400_000), target(1_000)) == frozenset()


def test_costs_are_in_the_unit_of_the_upstreams_where_all_targets_have_it() -> None:
    cheap = target(prices=(Price(unit="USD", input=1_000_000_000, output=1_000_000_000),))
    dear = target(prices=(Price(unit="USD", input=5_000_000_000, output=5_000_000_000),))
    found = costs(call(4_000, max_tokens=1_000), plan_of(cheap, dear), "credits")
    assert found == {id(cheap): 2_004_000, id(dear): 10_020_000}


def test_costs_are_in_the_projects_unit_else_and_unknown_where_a_price_is_missing() -> None:
    dollars = target(prices=(Price(unit="USD", input=1, output=1),))
    unpriced = target()
    plan = plan_of(dollars, unpriced, route=make_route(prices=(Price(unit="credits", per_request=7),)))
    assert costs(call(4), plan, "credits") == {id(dollars): 7, id(unpriced): 7}
    assert costs(call(4), plan_of(dollars, target()), "credits") == {}
