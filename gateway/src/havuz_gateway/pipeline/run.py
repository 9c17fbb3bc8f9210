"""One request's way on one screen: authenticate → plan → admit → attempt ⟲ → relay → settle."""

import asyncio
from collections.abc import Awaitable, Callable

from havuz_contract.money import format_amount
from havuz_contract.snapshot.models import Failover
from havuz_gateway.errors import DeadlineExceeded, GatewayError
from havuz_gateway.metering.estimate import MOST_ENVELOPE
from havuz_gateway.pipeline.admit import admit
from havuz_gateway.pipeline.attempt import Opened
from havuz_gateway.pipeline.authenticate import Credential, authenticate
from havuz_gateway.pipeline.billing import cost_of
from havuz_gateway.pipeline.context import Delivered, RequestContext
from havuz_gateway.pipeline.exchange import ClientGone, Request, Writer
from havuz_gateway.pipeline.failover import Failovers
from havuz_gateway.pipeline.patience import Patience, pace_of
from havuz_gateway.pipeline.plan import make_plan
from havuz_gateway.pipeline.relay import Keepalive, relay_answer, relay_estimate, relay_stream
from havuz_gateway.pipeline.services import Services
from havuz_gateway.pipeline.settle import settle
from havuz_gateway.pipeline.types import Call, Identity, Plan


async def run(
    request: Request,
    writer: Writer,
    *,
    operation: str,
    protocol: str | None,
    credential: Credential | None,
    read: Callable[[Request], Call],
    services: Services,
    complete: Callable[[RequestContext, Call], Awaitable[Call]] | None = None,
) -> None:
    """Serve one request in `protocol`, None for any. `read` makes a `Call` of it, once its key is known to be good.

    `complete` adds what the call names. Raises `GatewayError` for an end the client must still be told (as an
    answer, or as an event when `writer.started`), and `ClientGone` when nobody is left to tell.
    """
    writer.accounted = True
    trace = services.telemetry.begin(request.headers, method=request.method, path=request.shown_path)
    context = RequestContext(request=request, operation=operation, started_at=services.now(), trace=trace)
    try:
        context.identity = authenticate(request, credential, protocol, services)
        call = context.call = read(request)
        context.call = call if complete is None else await complete(context, call)
        await _carry_out(context, context.call, context.identity, writer, services)
        context.status = 200
    except GatewayError as error:
        _note_error(context, error)
        raise
    except (asyncio.CancelledError, ClientGone):
        context.ended = "cancelled"
        raise
    except Exception as error:
        context.ended, context.status, context.error_type = "error", 500, type(error).__name__
        raise
    finally:
        if not context.draining:
            settle(context, services)


async def _carry_out(
    context: RequestContext, call: Call, identity: Identity, writer: Writer, services: Services
) -> None:
    plan = context.plan = make_plan(call, identity, services)
    begin_call(context)
    context.ticket = await admit(context.request.id, identity, call, plan, services)
    await _answer(context, call, plan, writer, services)


async def _answer(context: RequestContext, call: Call, plan: Plan, writer: Writer, services: Services) -> None:
    """By an upstream; where none can, by the gateway's own estimate, if there is one for such a call."""
    failovers = Failovers(context, call, plan, services)
    try:
        await _serve(context, call, plan, failovers, writer=writer, services=services)
    except GatewayError:
        if call.estimate is None or not failovers.unanswered:
            raise
        await relay_estimate(call.estimate(), writer, context.answer_headers())


async def _serve(
    context: RequestContext, call: Call, plan: Plan, failovers: Failovers, *, writer: Writer, services: Services
) -> None:
    """Attempts and relay under the one deadline of the request."""
    failover = plan.route.failover
    lively = call.stream and call.action != "transcription"  # whose answer may turn out to be no stream
    keepalive = Keepalive(writer, failover.keepalive, context.answer_headers) if lively else None
    opening: asyncio.Task[Opened] | None = None
    opened: Opened | None = None
    try:
        async with Patience(call.timeout or failover.total):
            if keepalive is not None:
                keepalive.start()
            if _drains(context):
                opening = asyncio.create_task(failovers.open(), name="opening")
            opened = await (failovers.open() if opening is None else asyncio.shield(opening))
            if keepalive is not None:
                await keepalive.stop()
            await _relay(context, opened, writer, pace_of(call, failover))
    except TimeoutError:
        failovers.deadline_passed(route_deadline=call.timeout is None)
        raise DeadlineExceeded(f"the request took longer than {call.timeout or failover.total:g} seconds") from None
    except GatewayError:
        failovers.broke()
        raise
    except (asyncio.CancelledError, ClientGone):
        if opening is not None:
            _drain(context, opening, failovers, services)
        raise
    finally:
        if not context.draining:
            failovers.close(opened or _abandoned(opening))  # before anything that can be cancelled
        if keepalive is not None:
            await keepalive.stop()


def _drains(context: RequestContext) -> bool:
    """Whether the answer is to be read to its end also when the client has gone."""
    return context.ticket is not None and context.ticket.admitted.admission.project.billing.on_disconnect == "Drain"


def _drain(context: RequestContext, opening: "asyncio.Task[Opened]", failovers: Failovers, services: Services) -> None:
    """Leave what is still open to the drains, which close and settle the request when they have read enough."""

    def finish(opened: Opened | None) -> None:
        failovers.close(opened)
        settle(context, services)

    if context.ticket is not None:
        seconds = context.ticket.admitted.admission.project.billing.drain_seconds
        context.draining = services.drains.start(opening, seconds=seconds, finish=finish)


def _abandoned(opening: "asyncio.Task[Opened] | None") -> Opened | None:
    """Give up an opening that nobody waits for any more; what it had opened already is to be closed."""
    if opening is None or opening.cancel() or opening.cancelled() or opening.exception() is not None:
        return None
    return opening.result()


async def _relay(context: RequestContext, opened: Opened, writer: Writer, failover: Failover) -> None:
    context.status = 200
    if opened.tap is None:
        await relay_answer(opened, writer, {**context.answer_headers(), **_cost_header(context)})
    else:
        protocol = context.call.protocol if context.call is not None else ""
        delivered = context.delivered = Delivered(most_envelope=MOST_ENVELOPE.get(protocol))
        headers = context.answer_headers()
        if context.call is not None and context.call.answers == "bytes":
            writer.whole = True
            headers["content-type"] = opened.response.headers.get("content-type", "application/octet-stream")
        await relay_stream(opened, opened.tap, writer, headers=headers, failover=failover, delivered=delivered)


def _cost_header(context: RequestContext) -> dict[str, str]:
    """What the answer costs, where that is known before it is sent: a stream's cost is in the usage of the project."""
    if context.ticket is None or not context.ticket.prices:
        return {}
    return {"x-havuz-cost": format_amount(cost_of(context, context.ticket))}


def begin_call(context: RequestContext) -> None:
    """Open the span of the logical call, now that its route is known."""
    if context.trace is not None and context.call is not None and context.plan is not None:
        context.trace.begin_call(
            operation=context.operation,
            model=context.plan.route.model,
            stream=context.call.stream,
            parameters=context.call.parameters,
        )


def _note_error(context: RequestContext, error: GatewayError) -> None:
    context.ended = "error"
    context.error_type = error.type
    context.status = context.status or error.status
    if context.ticket is not None:
        error.headers = {**context.ticket.admitted.headers, **error.headers}
    if context.attempts:
        error.headers.setdefault("x-havuz-attempts", str(len(context.attempts)))
