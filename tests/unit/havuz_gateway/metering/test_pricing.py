"""Usage times price: exact integers, rounded up once, and never more than the ceiling."""

from dataclasses import replace
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.builders import make_route, make_target, make_upstream
from havuz_contract.money import MAX_NANOS
from havuz_contract.snapshot.models import Price
from havuz_gateway.metering.estimate import Estimate, Pieces
from havuz_gateway.metering.pricing import ceiling, cost, find
from havuz_gateway.protocols.usage import Usage

nanos = st.one_of(st.none(), st.integers(0, 10**15))
tokens = st.integers(0, 10**7)


@st.composite
def prices(draw: st.DrawFn) -> Price:
    names = ("input", "cached_input", "cache_write", "output", "per_request", "per_image", "per_minute_audio")
    return Price(unit="USD", per_million_characters=draw(nanos), **{name: draw(nanos) for name in names})


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    read = draw(tokens)
    cached = draw(st.integers(0, read))
    return Usage(input=read, output=draw(tokens), cache_read=cached, cache_write=draw(st.integers(0, read - cached)))


@given(prices(), usages(), st.integers(0, 9), st.integers(0, 10**6), st.integers(0, 10**7))
def test_the_cost_is_the_exact_sum_rounded_up_once(
    price: Price, usage: Usage, images: int, characters: int, audio_ms: int
) -> None:
    plain = price.input or 0
    cached = plain if price.cached_input is None else price.cached_input
    written = plain if price.cache_write is None else price.cache_write
    exact = Fraction(
        (usage.input - usage.cache_read - usage.cache_write) * plain
        + usage.cache_read * cached
        + usage.cache_write * written
        + usage.output * (price.output or 0)
        + characters * (price.per_million_characters or 0),
        1_000_000,
    )
    exact += (price.per_request or 0) + images * (price.per_image or 0)
    exact += Fraction(audio_ms * (price.per_minute_audio or 0), 60_000)
    used = replace(usage, images=images, characters=characters, audio_ms=audio_ms)
    assert cost(price, used) == min(ceil(exact), MAX_NANOS)
    most = Pieces(images=images, characters=characters, most_audio_ms=audio_ms)
    assert cost(price, used) <= ceiling(price, Estimate(0, usage.input, usage.output, pieces=most), window=None)


@given(prices(), usages(), st.one_of(st.none(), st.integers(1, 10**7)))
def test_what_stays_within_the_estimate_never_costs_more_than_the_ceiling(
    price: Price, usage: Usage, window: int | None
) -> None:
    if window is not None and max(usage.input, usage.output) > window:
        return  # no provider with this window reports that
    estimate = Estimate(input=0, most_input=usage.input, output=usage.output)
    assert cost(price, usage) <= ceiling(price, estimate, window=window)


@given(prices(), usages())
def test_more_tokens_never_cost_less(price: Price, usage: Usage) -> None:
    more = Usage(usage.input + 1, usage.output + 1, usage.cache_read, usage.cache_write)
    assert cost(price, more) >= cost(price, usage)


def test_a_fraction_of_a_nano_is_charged_as_one() -> None:
    assert cost(Price(unit="USD", input=1, output=0), Usage(input=1, output=0)) == 1
    assert cost(Price(unit="USD", input=1, output=1), Usage(input=1, output=1)) == 1


def test_a_cost_beyond_what_redis_counts_is_bounded() -> None:
    assert cost(Price(unit="USD", output=MAX_NANOS), Usage(input=0, output=10**9)) == MAX_NANOS


def test_more_cached_tokens_than_were_read_are_billed_as_all_that_was_read() -> None:
    price = Price(unit="USD", input=10**9, cached_input=10**8, output=0)
    assert cost(price, Usage(input=10, output=0, cache_read=50, cache_write=50)) == 10 * 100


@pytest.mark.parametrize(("used", "wanted"), [(Usage(0, 0), 7), (None, 7)])
def test_a_flat_price_is_due_without_any_token(used: Usage | None, wanted: int) -> None:
    assert cost(Price(unit="USD", per_request=7), used) == wanted


def test_a_targets_own_price_goes_before_the_routes() -> None:
    own, general = Price(unit="USD", input=1, output=1), Price(unit="USD", input=2, output=2)
    dear, cheap = make_target(make_upstream()), make_target(make_upstream(), prices=(own,))
    route = make_route(dear, cheap, prices=(general,))
    assert find("USD", route, dear, "chat") == general
    assert find("USD", route, cheap, "chat") == own
    assert find("credits", route, cheap, "chat") is None


@pytest.mark.parametrize(
    ("price", "operation", "priced"),
    [
        (Price(unit="USD", input=1), "chat", False),
        (Price(unit="USD", output=1), "chat", False),
        (Price(unit="USD", input=1), "embeddings", True),
        (Price(unit="USD", per_request=0), "chat", True),
        (Price(unit="USD"), "embeddings", False),
    ],
)
def test_a_price_with_a_hole_is_no_price(price: Price, operation: str, priced: bool) -> None:
    target = make_target(make_upstream(), prices=(price,))
    found = find("USD", make_route(target), target, operation)  # type: ignore[arg-type]
    assert (found is not None) is priced
