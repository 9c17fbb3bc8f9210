"""Money in the snapshot: amounts as nanos, prices, plans and limits. Every amount has passed its schema's bounds."""

from havuz_contract.money import parse_amount
from havuz_contract.snapshot import models
from havuz_contract.v1alpha1 import modelroute, project
from havuz_contract.v1alpha1.billing import Billing
from havuz_contract.v1alpha1.shared import TrafficLimits, seconds


def prices(written: modelroute.Prices | None) -> tuple[models.Price, ...]:
    """Prices as the gateway calculates with them."""
    return tuple(_price(one) for one in written or ())


def billing(written: Billing) -> models.Billing:
    """How a project pays."""
    monthly = written.monthly
    return models.Billing(
        unit=written.unit,
        plan=written.plan,
        credits={one.id: parse_amount(one.amount) for one in written.credits or ()},
        monthly=None
        if monthly is None
        else models.Monthly(
            allowance=parse_amount(monthly.allowance),
            anchor_day=monthly.anchor_day,
            time_zone=monthly.time_zone,
            rollover=monthly.rollover,
        ),
        on_meter_down=written.on_meter_down,
        on_disconnect=written.on_disconnect,
        drain_seconds=seconds(written.drain_timeout),
    )


def limits(written: TrafficLimits | None) -> models.Limits:
    """What is limited: of a project, a project's key, or an upstream key."""
    if written is None:
        return models.Limits()
    most_tokens = written.max_tokens_per_request if isinstance(written, project.ProjectLimits) else None
    return models.Limits(
        requests_per_minute=written.requests_per_minute,
        tokens_per_minute=written.tokens_per_minute,
        concurrency=written.concurrency,
        max_tokens_per_request=most_tokens,
        spend_per_day=_nanos(written.spend_per_day),
    )


def _price(written: modelroute.Price) -> models.Price:
    return models.Price(
        unit=written.unit,
        input=_nanos(written.input),
        cached_input=_nanos(written.cached_input),
        cache_write=_nanos(written.cache_write),
        output=_nanos(written.output),
        per_image=_nanos(written.per_image),
        per_request=_nanos(written.per_request),
        per_million_characters=_nanos(written.per_million_characters),
        per_minute_audio=_nanos(written.per_minute_audio),
    )


def _nanos(amount: str | None) -> int | None:
    return None if amount is None else parse_amount(amount)
