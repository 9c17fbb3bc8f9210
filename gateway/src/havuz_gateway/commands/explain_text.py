"""An explanation as lines for a person. Pure."""

import json
from collections.abc import Iterator

from havuz_contract.money import format_amount
from havuz_contract.snapshot.models import Price
from havuz_gateway.commands.explanation import Choice, Explanation, Told

_PRICES = {  # fields of a price, and how they are told
    "input": "in",
    "cached_input": "cached",
    "cache_write": "cache write",
    "output": "out",
    "per_request": "a request",
}


def lines(found: Explanation) -> Iterator[str]:
    """The lines, without line ends."""
    yield f"{found.project} asks for {found.model} with key {found.key!r}, in {found.protocol}"
    yield f"  route {found.route}, revision {found.revision}, balance {found.balance}, up to {found.attempts} attempts"
    pays = "pays nothing" if found.plan == "Unmetered" else f"pays in {found.unit} ({found.plan})"
    yield f"  the project {pays}{_review(found)}{_modes(found)}"
    if found.answer is not None:
        wait = "" if found.answer.retry_after is None else f", retry-after {found.answer.retry_after:.0f} s"
        yield f"is refused: {found.answer.status} {found.answer.type}{wait}: {found.answer.message}"
    for number, tier in enumerate(found.tiers, start=1):
        asked = any(choice.share for choice in tier)
        first = asked and not any(choice.share for earlier in found.tiers[: number - 1] for choice in earlier)
        yield f"tier {number}{': asked first' if first else '' if asked else ': nobody can be asked'}"
        for choice in tier:
            yield from _choice(choice)
    if found.never:
        yield "never asked"
        yield from (f"  {key}: {why}" for key, why in found.never)


def _review(found: Explanation) -> str:
    return "" if found.review_until is None else f"; its plan is under review until {found.review_until}"


def _modes(found: Explanation) -> str:
    return f"; modes of the route: {', '.join(found.modes)}" if found.modes else ""


def _choice(choice: Choice) -> Iterator[str]:
    share = f"{choice.share:6.1%}" if choice.share else "   out"
    until = "" if choice.until is None else f" until {choice.until}"
    yield f"  {share}  {choice.key} → {choice.model} ({choice.provider}, {choice.base_url}): {choice.state}{until}"
    if choice.protocol is not None:
        sent = f"sent in {choice.protocol}"
        if choice.parameters:
            sent += f" with {json.dumps(choice.parameters, ensure_ascii=False)}"
        if choice.dropped:
            sent += f", without {', '.join(choice.dropped)}"
        yield f"          {sent}"
    if choice.price is not None:
        yield f"          price in {_price(choice.price)}"
    yield from (f"          {_told(told)}" for told in choice.told)


def _price(price: Price) -> str:
    told = [
        f"{name} {format_amount(nanos)}"
        for field, name in _PRICES.items()
        if (nanos := getattr(price, field)) is not None
    ]
    return f"{price.unit}: {', '.join(told)} (tokens by the million)"


def _told(told: Told) -> str:
    whom = {"key": "the key", "key-model": "this model on it", "upstream": "its base URL"}.get(told.scope, told.scope)
    status = "" if told.status is None else f" {told.status}"
    message = f": {told.message}" if told.message else ""
    return f"{told.state} ({whom}) until {told.until}, says {told.gateway}: {told.reason}{status}{message}"
