"""Orders: requests for whose answer nobody waits. Let in when they are placed, answered by a worker, then settled.

What a request has in one process from its arrival to its end, an order has in its record: its terms are those under
which it was let in, and are good for one settlement.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from havuz_contract.snapshot.models import Route
from havuz_gateway.errors import DeadlineExceeded, GatewayError
from havuz_gateway.files.names import FileName
from havuz_gateway.metering.meter import Admission, Admitted, Settlement
from havuz_gateway.pipeline.admit import admit
from havuz_gateway.pipeline.attempt import Opened
from havuz_gateway.pipeline.billing import settlement_of
from havuz_gateway.pipeline.context import RequestContext
from havuz_gateway.pipeline.exchange import Request
from havuz_gateway.pipeline.failover import Failovers
from havuz_gateway.pipeline.patience import Patience
from havuz_gateway.pipeline.plan import make_plan
from havuz_gateway.pipeline.run import begin_call
from havuz_gateway.pipeline.services import Services
from havuz_gateway.pipeline.settle import report
from havuz_gateway.pipeline.ticket import Ticket, prices_of
from havuz_gateway.pipeline.types import Call, Identity, Plan
from havuz_gateway.protocols.body import Body
from havuz_gateway.protocols.json_text import encode_json
from havuz_gateway.protocols.openai_images.request import PROTOCOL
from havuz_gateway.tasks.record import Action, Task, Terms

_OPERATION = "image"
_LEAST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Fulfilled:
    """How it went: the answer, or the error. `settlement` is None for what costs nothing."""

    settlement: Settlement | None
    body: bytes | None = field(default=None, repr=False)
    error: GatewayError | None = None


def picture_call(action: Action, members: Mapping[str, Any]) -> Call:
    """The call of an order whose body has been checked."""
    body = Body.decode(encode_json(members))
    return Call(action=action, protocol=PROTOCOL, model=members["model"], stream=False, body=body)


async def place(order_id: str, identity: Identity, call: Call, services: Services) -> tuple[Terms, Ticket | None]:
    """Let an order in: what it may cost is reserved for as long as it has. Raises `GatewayError`."""
    plan = make_plan(call, identity, services)
    lives = services.tasks.settings.seconds + services.reservation_margin
    ticket = await admit(order_id, identity, call, plan, services, lives=lives)
    terms = Terms(project=identity.project, key=identity.key, model=plan.route.model)
    if ticket is None:
        return terms, None
    admitted = ticket.admitted
    return Terms(
        project=identity.project,
        key=identity.key,
        model=plan.route.model,
        metered=True,
        reserved=admitted.reserved,
        ceiling=admitted.admission.ceiling,
        day=admitted.day,
    ), ticket


def admitted_of(task: Task, services: Services) -> Admitted | None:
    """The admission under which an order was placed; None for what costs nothing."""
    terms = task.order.terms
    if not terms.metered:
        return None
    identity = _identity(terms, services)
    admission = Admission(
        id=task.id,
        project=identity.project,
        key=identity.key,
        route=Route(uid="", name="", model=terms.model),  # of which a settlement looks at nothing else
        ceiling=terms.ceiling,
        tokens=0,
        now=task.created,
        lifetime=task.due - task.created,
    )
    return Admitted(admission, reserved=terms.reserved, day=terms.day)


def uncharged(task: Task, *, cancelled: bool = False) -> Settlement | None:
    """The settlement of an order that came to nothing; None where there is nothing to settle."""
    if not task.order.terms.metered:
        return None
    return Settlement(status="cancelled" if cancelled else "error", operation=_OPERATION)


def links_of(task: Task, base_url: str, services: Services) -> list[str]:
    """Links to the pictures of a task, which work for a while."""
    names = [FileName.read(name) for name in (task.outcome.files if task.outcome is not None else ())]
    return [services.links.make(name, base_url=base_url, now=services.wall()) for name in names if name is not None]


async def fulfil(task: Task, call: Call, services: Services) -> Fulfilled:
    """Answer an order by the route's upstreams, as a request would be. Never raises a `GatewayError`."""
    context = _context(task, call, services)
    admitted = admitted_of(task, services)
    context.ticket = Ticket(admitted, prices={}) if admitted is not None else None
    body: bytes | None = None
    told: GatewayError | None = None
    try:
        plan = context.plan = make_plan(call, _identity(task.order.terms, services), services)
        begin_call(context)
        if admitted is not None and admitted.admission.project.billing.plan != "Unmetered":
            context.ticket = Ticket(admitted, prices_of(admitted.admission.project, call, plan))
        body = await _answered(context, call, plan, services, left=task.due - services.wall())
        context.status = 200
    except GatewayError as error:
        told, context.ended, context.error_type, context.status = error, "error", error.type, error.status
    except asyncio.CancelledError:
        context.ended = "cancelled"
        raise
    finally:
        report(context, services)
    return Fulfilled(_settlement(context), body, told)


async def _answered(context: RequestContext, call: Call, plan: Plan, services: Services, *, left: float) -> bytes:
    """Attempts under the one deadline of the route, or of the order, of which so many seconds are left."""
    seconds = min(plan.route.failover.total, max(left, _LEAST_SECONDS))
    failovers = Failovers(context, call, plan, services)
    opened: Opened | None = None
    try:
        async with Patience(seconds):
            opened = await failovers.open()
        return opened.body
    except TimeoutError:
        failovers.deadline_passed(route_deadline=True)
        raise DeadlineExceeded(f"the picture took longer than {seconds:g} seconds") from None
    finally:
        failovers.close(opened)


def _settlement(context: RequestContext) -> Settlement | None:
    """What it cost: never more than was reserved, also where prices have changed since."""
    if context.ticket is None:
        return None
    made = settlement_of(context, context.ticket)
    return made._replace(cost=min(made.cost, context.ticket.admitted.admission.ceiling))


def _context(task: Task, call: Call, services: Services) -> RequestContext:
    order = task.order
    request = Request(
        id=task.id, method="POST", path=order.path, host="", headers=order.headers, query={}, body=b""
    )  # fmt: skip
    trace = services.telemetry.begin(request.headers, method=request.method, path=request.path)
    context = RequestContext(request=request, operation=_OPERATION, started_at=services.now(), trace=trace)
    context.identity, context.call = _identity(order.terms, services), call
    return context


def _identity(terms: Terms, services: Services) -> Identity:
    """Whose it is, as the configuration has it now; what has been deleted since, as it was."""
    project = services.view().snapshot.projects.get(terms.project.uid)
    if project is not None:
        for key in project.keys:
            if key.id == terms.key.id:
                return Identity(project, key)
    return Identity(terms.project, terms.key)
