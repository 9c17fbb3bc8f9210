"""Step 6: close the books of one request: meter, span, metrics, log line. Safe to repeat."""

from typing import Any

from havuz_gateway.pipeline.billing import settlement_of
from havuz_gateway.pipeline.context import RequestContext, listed
from havuz_gateway.pipeline.services import Services
from havuz_gateway.telemetry import logs

_CLIENT_GONE = 499  # nginx's number for it; no client ever sees it


def settle(context: RequestContext, services: Services) -> None:
    """Record what the request used and how it ended."""
    if context.ticket is not None:
        services.meter.settle(context.ticket.admitted, settlement_of(context, context.ticket))
    report(context, services)


def report(context: RequestContext, services: Services) -> None:
    """Close the span, count the request, and write its line."""
    if context.ended == "cancelled":
        context.error_type = "cancelled"
    if context.identity is not None:
        services.last_used.note(context.identity.project.uid, context.identity.key.id)
    status = context.status if context.status is not None else _CLIENT_GONE
    seconds = services.now() - context.started_at
    first_chunk = context.first_content_at - context.started_at if context.first_content_at is not None else None
    provider = context.attempts[-1].candidate.member.provider.telemetry_name if context.attempts else None
    _close_trace(context, provider=provider, first_chunk=first_chunk, status=status)
    services.telemetry.metrics.request_ended(
        operation=context.operation,
        model=context.plan.route.model if context.plan is not None else None,
        provider=provider,
        seconds=seconds,
        status=status,
        error_type=context.error_type,
        usage=context.usage,
        time_to_first_chunk=first_chunk if context.call is not None and context.call.stream else None,
    )
    if logs.requests_enabled():
        logs.request_ended(_log_fields(context, status=status, seconds=seconds))


def _close_trace(context: RequestContext, *, provider: str | None, first_chunk: float | None, status: int) -> None:
    if context.trace is None:
        return
    if context.plan is not None:
        context.trace.end_call(
            provider=provider,
            response_id=context.response_id,
            response_model=context.response_model,
            finish_reasons=context.finish_reasons,
            usage=context.usage,
            time_to_first_chunk=first_chunk,
            error_type=context.error_type,
        )
    context.trace.end(status=status, error_type=context.error_type)


def _log_fields(context: RequestContext, *, status: int, seconds: float) -> dict[str, Any]:
    """The line of this request: names and numbers, nothing that a client wrote."""
    identity, plan, usage = context.identity, context.plan, context.usage
    return {
        "request_id": context.request.id,
        "path": context.request.shown_path,
        "status": status,
        "seconds": seconds,
        "project": identity.project.name if identity is not None else None,
        "key_id": identity.key.id if identity is not None else None,
        "model": plan.route.model if plan is not None else None,
        "stream": context.call.stream if context.call is not None else None,
        "attempts": len(context.attempts),
        "upstreams": [attempt.candidate.member.upstream.name for attempt in context.attempts],
        "failures": [attempt.verdict.reason for attempt in context.attempts if attempt.verdict is not None],
        "input_tokens": usage.input if usage is not None else None,
        "output_tokens": usage.output if usage is not None else None,
        "error_type": context.error_type,
        "dropped": listed(context.untold) or None,
    }
