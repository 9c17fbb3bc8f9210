"""Usage times price: nanos in exact integers, rounded up once per request. Pure.

A price that leaves a hole never gets here (`havuz_contract.snapshot.prices` sees to it); within one that covers the
operation, `cached_input` and `cache_write` fall back to `input`, and what else is not said is part of a flat price.
"""

from havuz_contract.money import MAX_NANOS
from havuz_contract.snapshot.models import Operation, Price, Route, Target
from havuz_contract.snapshot.prices import covers, price_in
from havuz_gateway.metering.estimate import Estimate
from havuz_gateway.protocols.usage import Usage

# Everything is summed in 3,000,000ths of a nano: the least common multiple of a million and of a minute's milliseconds.
_PER_MILLION = 3
_PER_MILLISECOND = 50
_WHOLE = 3_000_000
_NOTHING = Usage(input=0, output=0)


def cost(price: Price, usage: Usage | None) -> int:
    """What a request costs in nanos, rounded up; at most `MAX_NANOS`."""
    used = _NOTHING if usage is None else usage
    return _rounded_up(
        price, _tokens(price, used), images=used.images, characters=used.characters, audio_ms=used.audio_ms
    )


def cached_more_than_read(usage: Usage) -> bool:
    """Whether a provider reports more tokens from and into its cache than it read: cut to what it read when billed."""
    return usage.cache_read + usage.cache_write > usage.input


def ceiling(price: Price, estimate: Estimate, *, window: int | None) -> int:
    """The most that a request can cost at one target, in nanos; `window` is the target's context window in tokens.

    Every input token at the dearest of the input prices: whether a cache is read or written is the provider's choice.
    """
    read = estimate.most_input if window is None else min(estimate.most_input, window)
    at_most = max(price.input or 0, price.cached_input or 0, price.cache_write or 0)
    tokens = read * at_most + estimate.most_output(window) * (price.output or 0)
    pieces = estimate.pieces
    return _rounded_up(price, tokens, images=pieces.images, characters=pieces.characters, audio_ms=pieces.most_audio_ms)


def find(unit: str, route: Route, target: Target, operation: Operation) -> Price | None:
    """The price of `operation` in `unit` at a target, or None where there is none, or one with a hole."""
    price = price_in(unit, of=route, at=target)
    return price if price is not None and covers(price, operation) else None


def bills_tokens(price: Price) -> bool:
    """Whether tokens cost anything."""
    return bool(price.input or price.output)


def _rounded_up(price: Price, tokens: int, *, images: int, characters: int, audio_ms: int) -> int:
    """Nanos of one request and everything in it; `tokens` are summed as nanos per million."""
    total = ((price.per_request or 0) + images * (price.per_image or 0)) * _WHOLE
    total += (tokens + characters * (price.per_million_characters or 0)) * _PER_MILLION
    total += audio_ms * (price.per_minute_audio or 0) * _PER_MILLISECOND
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
