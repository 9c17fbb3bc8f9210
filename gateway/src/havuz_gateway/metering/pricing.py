"""Usage times price: nanos in exact integers, rounded up once per request. Pure.

A price that leaves a hole never gets here (`havuz_contract.snapshot.prices` sees to it); within one that covers the
operation, `cached_input` and `cache_write` fall back to `input`, and what else is not said is part of a flat price.
"""

from dataclasses import dataclass

from havuz_contract.money import MAX_NANOS
from havuz_contract.snapshot.models import Operation, Price, Route, Target
from havuz_contract.snapshot.prices import covers, price_in
from havuz_gateway.metering.estimate import Estimate
from havuz_gateway.protocols.usage import Usage

# Everything is summed in 3,000,000ths of a nano: the least common multiple of a million and of a minute's milliseconds.
_PER_MILLION = 3
_PER_MILLISECOND = 50
_WHOLE = 3_000_000


@dataclass(frozen=True, slots=True)
class Counts:
    """What is billed by the piece: requests, images, characters of text to speak, milliseconds of audio."""

    requests: int = 1
    images: int = 0
    characters: int = 0
    audio_ms: int = 0


ONE_REQUEST = Counts()


def cost(price: Price, usage: Usage | None, counts: Counts = ONE_REQUEST) -> int:
    """What a request costs in nanos, rounded up; at most `MAX_NANOS`."""
    return _rounded_up(price, 0 if usage is None else _tokens(price, usage), counts)


def cached_more_than_read(usage: Usage) -> bool:
    """Whether a provider reports more tokens from and into its cache than it read: cut to what it read when billed."""
    return usage.cache_read + usage.cache_write > usage.input


def ceiling(price: Price, estimate: Estimate, *, window: int | None, counts: Counts = ONE_REQUEST) -> int:
    """The most that a request can cost at one target, in nanos; `window` is the target's context window in tokens.

    Every input token at the dearest of the input prices: whether a cache is read or written is the provider's choice.
    """
    read = estimate.most_input if window is None else min(estimate.most_input, window)
    at_most = max(price.input or 0, price.cached_input or 0, price.cache_write or 0)
    return _rounded_up(price, read * at_most + estimate.most_output(window) * (price.output or 0), counts)


def find(unit: str, route: Route, target: Target, operation: Operation) -> Price | None:
    """The price of `operation` in `unit` at a target, or None where there is none, or one with a hole."""
    price = price_in(unit, of=route, at=target)
    return price if price is not None and covers(price, operation) else None


def _rounded_up(price: Price, tokens: int, counts: Counts) -> int:
    """Nanos of everything; `tokens` are summed as nanos per million."""
    total = (counts.requests * (price.per_request or 0) + counts.images * (price.per_image or 0)) * _WHOLE
    total += (tokens + counts.characters * (price.per_million_characters or 0)) * _PER_MILLION
    total += counts.audio_ms * (price.per_minute_audio or 0) * _PER_MILLISECOND
    return min(-(-total // _WHOLE), MAX_NANOS)


def _tokens(price: Price, usage: Usage) -> int:
    """Tokens times nanos per million."""
    read = max(0, usage.input)
    cached = min(max(0, usage.cache_read), read)
    written = min(max(0, usage.cache_write), read - cached)
    plain = price.input or 0
    total = (read - cached - written) * plain + max(0, usage.output) * (price.output or 0)
    total += cached * (plain if price.cached_input is None else price.cached_input)
    return total + written * (plain if price.cache_write is None else price.cache_write)
