"""Who is asked next after what has failed, and when those that were passed over get their turn."""

import random

from harness.builders import make_route, make_target, make_upstream
from havuz_contract.snapshot.models import Breaker, Target
from havuz_gateway.pipeline.shortlist import Shortlist
from havuz_gateway.pipeline.types import Call, Plan
from havuz_gateway.pool import classify
from havuz_gateway.pool.site import Site
from havuz_gateway.pool.types import Candidate, Member
from havuz_gateway.pool.verdict import Verdict
from havuz_gateway.protocols.body import Body
from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.providers.mock import Mock, MockTransport
from havuz_gateway.transport.base import TransportFailure

DEAD = classify.classify_transport(TransportFailure("connect", "refused"))
MISSING = classify.classify_response(404, {}, ProviderError("no such model"), 0)
TOO_LONG = classify.classify_response(400, {}, ProviderError("too long", code="context_length_exceeded"), 0)
CALL = Call(action="chat", protocol="openai_chat", model="m", stream=False, body=Body.decode(b"{}"))


def candidate(target: Target | None = None, site: Site | None = None, window: int | None = None) -> Candidate:
    upstream = make_upstream()
    member = Member(upstream, Mock(), MockTransport(lambda: 0.0), site=site or Site())
    return Candidate(target or make_target(upstream, context_window=window), member, 1.0)


def order(*tiers: tuple[Candidate, ...], after: Verdict, too_small: frozenset[int] = frozenset()) -> list[Candidate]:
    """Who is asked, one after the other, when each attempt fails in the same way."""
    plan = Plan(route=make_route(), tiers=tiers, too_small=too_small)
    shortlist, rng, found = Shortlist(CALL, plan), random.Random(0), []
    while (one := shortlist.next(0.0, rng)) is not None:
        shortlist.cross_off(one)
        shortlist.learn(one, after)
        found.append(one)
    return found


def test_another_base_url_is_asked_before_another_key_of_one_that_nobody_reaches() -> None:
    here = Site()
    first, second, elsewhere = candidate(site=here), candidate(site=here), candidate()
    asked = order((first, second), (elsewhere,), after=DEAD)
    assert asked[1] is elsewhere
    assert set(asked) == {first, second, elsewhere}


def test_another_target_is_asked_before_another_key_of_one_where_the_model_is_missing() -> None:
    target = make_target(model="gone")
    first, second, other = candidate(target), candidate(target), candidate()
    assert order((first, second), (other,), after=MISSING)[1] is other


def test_a_prompt_that_was_too_long_goes_to_larger_windows_only() -> None:
    small, unknown, large = candidate(window=8_000), candidate(), candidate(window=128_000)
    assert order((small,), (unknown,), (large,), after=TOO_LONG) == [small, large]


def test_a_target_that_clearly_does_not_fit_is_asked_last() -> None:
    small, large = candidate(window=8_000), candidate(window=128_000)
    assert order((small,), (large,), after=MISSING, too_small=frozenset({id(small.target)})) == [large, small]


def test_a_larger_window_that_is_out_for_now_is_still_somewhere_to_go() -> None:
    small, large = candidate(window=8_000), candidate(window=128_000)
    large.member.health.limit("requests", 60)
    shortlist = Shortlist(CALL, Plan(route=make_route(), tiers=((small,), (large,))))
    shortlist.cross_off(small)
    shortlist.learn(small, TOO_LONG)
    assert shortlist.next(0.0, random.Random(0)) is None
    assert shortlist.larger_is_left
    shortlist.cross_off(large)
    assert not shortlist.larger_is_left


def test_a_key_with_nothing_left_is_asked_when_nobody_else_can_be() -> None:
    spent, next_tier = candidate(), candidate()
    spent.member.health.rest(spent.target.model, 60, 0)
    assert order((spent,), (next_tier,), after=MISSING) == [next_tier, spent]


def test_after_a_failure_a_key_that_did_not_fail_lately_goes_first() -> None:
    failing, first, well, later = candidate(), candidate(), candidate(), candidate()
    for one in (failing, first):
        one.member.health.fail(classify.first_token_timeout(), "upstream-model", 0.0, Breaker())
    for seed in range(20):
        plan = Plan(route=make_route(), tiers=((failing, first, well), (later,)))
        shortlist, rng = Shortlist(CALL, plan), random.Random(seed)
        shortlist.learn(first, classify.first_token_timeout())
        shortlist.cross_off(first)
        found = []
        while (one := shortlist.next(0.0, rng)) is not None:
            shortlist.cross_off(one)
            found.append(one)
        assert found == [well, failing, later]


def test_one_failure_alone_takes_no_first_requests_from_a_key() -> None:
    failing, well = candidate(), candidate()
    failing.member.health.fail(classify.first_token_timeout(), "upstream-model", 0.0, Breaker())
    plan = Plan(route=make_route(), tiers=((failing, well),))
    drawn = [Shortlist(CALL, plan).next(0.0, random.Random(seed)) for seed in range(40)]
    assert set(drawn) == {failing, well}


def drawn(*tier: Candidate, now: float) -> set[Candidate | None]:
    plan = Plan(route=make_route(), tiers=(tier,))
    return {Shortlist(CALL, plan).next(now, random.Random(seed)) for seed in range(40)}


def waiting_on(one: Candidate, count: int, *, since: float) -> list[int]:
    waiting = one.member.waiting(one.target.model, stream=CALL.stream)
    return [waiting.begin(since) for _ in range(count)]


def test_a_key_that_lets_several_wait_is_passed_over_while_another_can_be_asked() -> None:
    silent, well = candidate(), candidate()
    numbers = waiting_on(silent, 3, since=0.0)
    soon = make_route().failover.first_token / 10
    assert drawn(silent, well, now=soon / 2) == {silent, well}
    assert drawn(silent, well, now=soon) == {well}
    assert drawn(silent, now=soon) == {silent}
    silent.member.waiting(silent.target.model, stream=CALL.stream).answered(numbers[0], soon)
    assert drawn(silent, well, now=soon) == {silent, well}


def test_a_key_that_always_takes_long_is_not_thought_silent() -> None:
    slow, other = candidate(), candidate()
    slow.member.waited(slow.target.model, 5.0, 0.0, stream=CALL.stream)
    waiting_on(slow, 3, since=0.0)
    assert drawn(slow, other, now=14.0) == {slow, other}
    assert drawn(slow, other, now=15.0) == {other}


def test_a_key_whose_last_request_failed_is_tried_by_one_request_at_a_time() -> None:
    failing, well = candidate(), candidate()
    failing.member.health.fail(classify.first_token_timeout(), "upstream-model", 0.0, Breaker())
    assert drawn(failing, well, now=0.0) == {failing, well}
    waiting_on(failing, 1, since=0.0)
    assert drawn(failing, well, now=0.0) == {well}


def test_after_a_failure_a_key_that_has_answered_meanwhile_goes_first() -> None:
    first, unproven, proven = candidate(), candidate(), candidate()
    (number,) = waiting_on(proven, 1, since=1.0)
    proven.member.waiting(proven.target.model, stream=CALL.stream).answered(number, 2.0)
    for seed in range(20):
        shortlist, rng = (
            Shortlist(CALL, Plan(route=make_route(), tiers=((first,), (unproven, proven)))),
            random.Random(seed),
        )
        assert shortlist.next(1.0, rng) is first
        shortlist.cross_off(first)
        assert shortlist.answered_elsewhere(1.0, 3.0)
        shortlist.learn(first, classify.first_token_timeout())
        assert shortlist.next(3.0, rng) is proven
        shortlist.cross_off(proven)
        assert not shortlist.answered_elsewhere(1.0, 3.0)
