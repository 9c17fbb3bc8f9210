"""How many upstreams one request asks, by what they answer."""

from collections.abc import Callable

import pytest

from havuz_gateway.pipeline.tries import Tries
from havuz_gateway.pool import classify
from havuz_gateway.pool.site import Site
from havuz_gateway.pool.verdict import Verdict
from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.transport.base import TransportFailure

AT_ONCE = 0.05


def said(status: int, message: str = "no") -> Verdict:
    return classify.classify_response(status, {}, ProviderError(message), 0)


REFUSED, LIMITED, NO_CREDIT, MISSING = said(401), said(429), said(402), said(404)
DEAD = classify.classify_transport(TransportFailure("connect", "refused"))
RESET = classify.classify_transport(TransportFailure("reset", "reset"))


def calls(attempts: int, verdict: Verdict, *, seconds: float = AT_ONCE, site: Callable[[], Site] = Site) -> int:
    """How many are asked when each answers so."""
    tries, made = Tries(attempts), 0
    while tries.left:
        tries.count(verdict, seconds, site())
        made += 1
    return made


@pytest.mark.parametrize("verdict", [REFUSED, LIMITED, NO_CREDIT, MISSING, DEAD], ids=lambda one: one.reason.value)
def test_quick_refusals_do_not_use_attempts_up(verdict: Verdict) -> None:
    assert calls(4, verdict) == 12
    assert calls(2, verdict) == 6


@pytest.mark.parametrize(
    "verdict",
    [said(500), RESET, classify.first_token_timeout(), classify.garbage("?")],
    ids=lambda one: one.reason.value,
)
def test_what_may_have_reached_a_model_is_an_attempt(verdict: Verdict) -> None:
    assert calls(4, verdict) == 4


def test_a_refusal_that_took_its_time_is_an_attempt() -> None:
    assert calls(4, REFUSED, seconds=1.5) == 4
    assert calls(4, DEAD, seconds=10.0) == 4


def test_a_refusal_that_no_key_remembers_is_an_attempt() -> None:
    verdict = said(
        429, "Request too large for gpt-4 in organization org-1 on tokens per min (TPM): Limit 10, Requested 20"
    )
    assert calls(4, verdict) == 4


def test_a_base_url_that_nobody_reaches_tells_nothing_new_the_second_time() -> None:
    site = Site()
    assert calls(4, DEAD, site=lambda: site) == 5


@pytest.mark.parametrize(("attempts", "most"), [(1, 1), (2, 6), (6, 16), (20, 20)])
def test_refusals_have_a_bound_of_their_own(attempts: int, most: int) -> None:
    assert calls(attempts, REFUSED) == most


def test_the_last_call_is_known_before_it_is_made() -> None:
    tries, site = Tries(2), Site()
    assert not tries.last
    tries.count(REFUSED, AT_ONCE, site)
    assert not tries.last
    tries.count(said(500), AT_ONCE, site)
    assert tries.last
    tries.count(said(500), AT_ONCE, site)
    assert not tries.left
