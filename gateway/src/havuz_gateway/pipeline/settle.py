"""Step 6: close the books of one request: meter, span, metrics, log line. Safe to repeat."""

from havuz_gateway.pipeline.context import RequestContext
from havuz_gateway.pipeline.services import Services
from havuz_gateway.telemetry import logs


def settle(context: RequestContext, services: Services) -> None:
    """Record what the request used and how it ended."""
    if context.admission is not None:
        services.meter.settle(context.admission, context.usage)
    seconds = services.now() - context.started_at
    last = context.attempts[-1] if context.attempts else None
    provider = last.candidate.member.provider.telemetry_name if last is not None else None
    first_chunk = context.first_content_at - context.started_at if context.first_content_at is not None else None
    error_type = "cancelled" if context.ended == "cancelled" else context.error_type
    status = context.status if context.status is not None else 499
    _close_trace(context, provider=provider, first_chunk=first_chunk, error_type=error_type, status=status)
    services.telemetry.metrics.request_ended(
        operation=context.call.operation if context.call is not None else context.operation,
        model=context.plan.route.model if context.plan is not None else None,
        provider=provider,
        seconds=seconds,
        status=status,
        error_type=error_type,
        usage=context.usage,
        time_to_first_chunk=first_chunk,
    )
    logs.request_ended(context.log_fields(seconds=seconds, status=status, error_type=error_type))


def _close_trace(
    context: RequestContext, *, provider: str | None, first_chunk: float | None, error_type: str | None, status: int
) -> None:
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
            error_type=error_type,
        )
    context.trace.end(status=status, error_type=error_type)
