"""Step 3: limits and money, before anything is spent."""

from havuz_contract.snapshot.models import Limits, Price
from havuz_gateway.metering import pricing
from havuz_gateway.metering.meter import Admission
from havuz_gateway.pipeline.services import Services
from havuz_gateway.pipeline.ticket import Ticket, ceiling_of, estimate_of, prices_of
from havuz_gateway.pipeline.types import Call, Identity, Plan
from havuz_gateway.protocols.usage import Usage


async def admit(
    request_id: str, identity: Identity, call: Call, plan: Plan, services: Services, *, lives: float | None = None
) -> Ticket | None:
    """Let the request in; a test key costs nothing and is not metered. Raises `GatewayError`.

    `lives` is the seconds after which an order can't be under way any more; a request has its deadline for that.
    """
    project, key = identity.project, identity.key
    if key.mode == "Test":
        return None
    prices: dict[int, Price] = {}
    ceiling = abandoned = tokens = 0
    free = call.action == "count_tokens"  # which costs nothing anywhere
    metered = project.billing.plan != "Unmetered" and not free
    if metered:
        prices = prices_of(project, call, plan)
    if metered or (not free and (_counts_tokens(project.limits) or _counts_tokens(key.limits))):
        estimated = estimate_of(call, plan)
        tokens = estimated.expected
        ceiling = ceiling_of(call, plan, prices, estimated) if metered else 0
        if plan.route.on_abandoned == "BillInput":
            costs = (pricing.cost(price, Usage(input=estimated.input, output=0)) for price in prices.values())
            abandoned = min(max(costs, default=0), ceiling)
    admission = Admission(
        id=request_id,
        project=project,
        key=key,
        route=plan.route,
        ceiling=ceiling,
        tokens=tokens,
        now=services.wall(),
        lifetime=lifetime(identity, call, plan, services) if lives is None else lives,
        abandoned=abandoned,
    )
    return Ticket(admitted=await services.meter.admit(admission), prices=prices)


def lifetime(identity: Identity, call: Call, plan: Plan, services: Services) -> float:
    """Seconds after which the request can't be under way any more."""
    billing = identity.project.billing
    drain = billing.drain_seconds if billing.on_disconnect == "Drain" else 0.0
    return (call.timeout or plan.route.failover.total) + drain + services.reservation_margin


def _counts_tokens(limits: Limits) -> bool:
    return limits.tokens_per_minute is not None
