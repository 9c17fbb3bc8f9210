"""What a request cost, from how it ended: pure.

Where the provider said what was used, that is billed. Where it did not (no usage in its answer, a client that hung up,
a stream that broke), the most of what it said so far and of what was delivered, by the documented estimate, flagged.
What was never answered costs nothing.
"""

from dataclasses import replace
from typing import NamedTuple

from havuz_gateway.metering import pricing
from havuz_gateway.metering.estimate import delivered_tokens
from havuz_gateway.metering.media import MEDIA
from havuz_gateway.metering.meter import Settlement
from havuz_gateway.pipeline.context import RequestContext
from havuz_gateway.pipeline.ticket import Ticket, estimate_of, usage_of
from havuz_gateway.pipeline.types import Attempt, Call, Plan
from havuz_gateway.protocols.usage import Usage, says_nothing

_NO_TOKENS = Usage(input=0, output=0)


class Measured(NamedTuple):
    """What a request used, and whether that is an estimate."""

    usage: Usage | None
    estimated: bool = False


def measured(context: RequestContext) -> Measured:
    """What the request used, as far as anybody can tell."""
    answered = answered_attempt(context)
    return Measured(None) if answered is None else _measured(context, answered)


def _measured(context: RequestContext, answered: Attempt) -> Measured:
    if context.call is None or context.plan is None or context.call.action == "count_tokens":
        return Measured(None)
    if context.call.operation in MEDIA:
        return _measured_media(context, context.call, context.plan, answered)
    said = context.usage
    if said is not None and not says_nothing(said) and (context.finish_reasons or context.delivered is None):
        return Measured(said)
    guess = estimate_of(context.call, context.plan, answered.candidate.target)
    output = context.answer_tokens
    if context.delivered is not None:
        output = delivered_tokens(context.delivered.events, context.delivered.size, context.delivered.envelope)
    if said is None or says_nothing(said):
        clamped = said is not None and said.clamped
        return Measured(Usage(input=guess.input, output=output, clamped=clamped), estimated=True)
    if said.output >= output:
        return Measured(said)
    return Measured(replace(said, output=output), estimated=True)


def _measured_media(context: RequestContext, call: Call, plan: Plan, answered: Attempt) -> Measured:
    """Pictures and sound by what was told; tokens that nobody told by the estimate, where a price asks for tokens."""
    used = context.usage or _NO_TOKENS
    likely = usage_of(estimate_of(call, plan, answered.candidate.target))
    if call.operation == "image" and context.ended == "cancelled":
        used = replace(used, images=max(used.images, likely.images))  # its provider draws on
    if call.operation == "speech":
        used = replace(used, characters=likely.characters)
    price = context.ticket.prices.get(id(answered.candidate.target)) if context.ticket is not None else None
    estimated = price is not None and bool(price.per_minute_audio) and not used.audio_ms
    if estimated:
        used = replace(used, audio_ms=likely.audio_ms)
    if price is not None and pricing.bills_tokens(price) and not used.input and not used.output:
        return Measured(replace(used, input=likely.input, output=likely.output), estimated=True)
    return Measured(used, estimated=estimated)


def settlement_of(context: RequestContext, ticket: Ticket) -> Settlement:
    """How the request is to be settled."""
    answered = answered_attempt(context)
    if answered is None:
        return Settlement(
            status=context.ended, operation=context.operation, attempts=len(context.attempts), upstream=_last(context)
        )
    found = _measured(context, answered)
    member = answered.candidate.member
    return Settlement(
        status=context.ended,
        cost=_cost(ticket, answered, found),
        usage=found.usage,
        upstream=member.upstream.name,
        provider=member.provider.telemetry_name,
        upstream_model=answered.candidate.target.model,
        operation=context.operation,
        attempts=len(context.attempts),
        flags=_flags(found),
    )


def cost_of(context: RequestContext, ticket: Ticket) -> int:
    """What the request costs as far as it has come, in nanos."""
    answered = answered_attempt(context)
    return 0 if answered is None else _cost(ticket, answered, _measured(context, answered))


def _cost(ticket: Ticket, answered: Attempt, found: Measured) -> int:
    price = ticket.prices.get(id(answered.candidate.target))
    return 0 if price is None else pricing.cost(price, found.usage)


def answered_attempt(context: RequestContext) -> Attempt | None:
    """The attempt whose answer went to the client, or was about to."""
    for attempt in reversed(context.attempts):
        if attempt.committed:
            return attempt
    return None


def _flags(found: Measured) -> tuple[str, ...]:
    flags: tuple[str, ...] = ("estimated",) if found.estimated else ()
    usage = found.usage
    if usage is not None and (usage.clamped or pricing.cached_more_than_read(usage)):
        flags += ("clamped",)
    return flags


def _last(context: RequestContext) -> str:
    return context.attempts[-1].candidate.member.upstream.name if context.attempts else ""
