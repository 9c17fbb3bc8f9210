"""Which price applies, and whether it leaves a hole. Pure; the compiler and the gateway get the same answer.

A price covers an operation when nothing that the operation uses would be billed as 0 because a field is missing.
`cached_input` and `cache_write` are optional everywhere: without them such tokens cost what `input` does.
"""

from collections.abc import Iterable, Iterator

from havuz_contract.snapshot.models import Operation, Price, Route, Target


def price_in(unit: str, *, of: Route, at: Target) -> Price | None:
    """What the model costs in `unit` when the target `at` serves it: the target's own price, else the route's."""
    return _find(unit, at.prices) or _find(unit, of.prices)


def covers(price: Price, operation: Operation) -> bool:
    """Say whether everything that the operation uses has a price: a flat one per request does for all."""
    if price.per_request is not None:
        return True
    tokens = price.input is not None and price.output is not None
    match operation:
        case "chat":
            return tokens
        case "embeddings":
            return price.input is not None
        case "image":
            return price.per_image is not None or tokens
        case "speech":
            return price.per_million_characters is not None or tokens
        case "transcription":
            return price.per_minute_audio is not None or tokens


def missing(unit: str, route: Route) -> list[Operation]:
    """The operations that can not be billed in `unit` at some target of the route or its modes, in alphabetical order.

    The route is offered to a metered project only when there is none.
    """
    found = [price_in(unit, of=route, at=target) for target in _targets(route)] or [_find(unit, route.prices)]
    return sorted(
        one for one in route.operations if not all(price is not None and covers(price, one) for price in found)
    )


def _targets(route: Route) -> Iterator[Target]:
    yield from route.targets
    for mode in route.modes.values():
        yield from mode.targets


def _find(unit: str, prices: Iterable[Price]) -> Price | None:
    for price in prices:  # on the way of each request: a generator costs more than all it looks at
        if price.unit == unit:
            return price
    return None
