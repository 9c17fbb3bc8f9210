"""Placing and taking back an order, as the surfaces that sell pictures have in common."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from havuz_gateway.errors import Conflict, GatewayError, InvalidRequest, NotFound, ServiceUnavailable
from havuz_gateway.pipeline.exchange import Request
from havuz_gateway.pipeline.orders import admitted_of, picture_call, place, uncharged
from havuz_gateway.pipeline.services import Services
from havuz_gateway.pipeline.ticket import Ticket
from havuz_gateway.pipeline.types import Identity
from havuz_gateway.protocols.openai_images.request import read_edit, read_generation
from havuz_gateway.surfaces.files import public_base_url
from havuz_gateway.tasks.record import Action, Order, Outcome, Task, as_of
from havuz_gateway.tasks.store import Named

_LONGEST_NAME = 255
_TRACE = ("traceparent", "tracestate")


async def order_pictures(
    request: Request,
    services: Services,
    *,
    identity: Identity,
    task_id: str,
    body: Mapping[str, Any],
    shown: Mapping[str, Any],
    callback_url: str | None = None,
) -> str:
    """Take an order; returns the id of its task, which is an earlier one's where its `Idempotency-Key` was used before.

    `body` is a request for pictures in OpenAI's form, `shown` what the client sent. Raises `GatewayError`.
    """
    named, uid = _named(request), identity.project.uid
    known = await services.tasks.named(uid, named) if named is not None else None
    if known is not None:
        return await _queued(known, uid, services)
    if not services.files.is_set:
        raise ServiceUnavailable("no pictures can be ordered here: no object store is set to keep them in")
    action: Action = "image_edit" if body.get("images") else "image"
    _ = read_edit(body) if action == "image_edit" else read_generation(body)
    terms, ticket = await place(task_id, identity, picture_call(action, body), services)
    order = Order(
        action=action,
        body=body,
        request=shown,
        terms=terms,
        base_url=public_base_url(request, services),
        path=request.path,
        callback_url=callback_url,
        headers={name: request.headers[name] for name in _TRACE if name in request.headers},
    )
    made = await _submitted(task_id, order, named, ticket, services)
    await services.queue.add(uid, made)
    return made


async def find_task(uid: str, task_id: str, services: Services) -> Task:
    """A project's task as it is to be seen now. Raises `NotFound` and `ServiceUnavailable`."""
    task = await services.tasks.find(uid, task_id)
    if task is None:
        raise NotFound("there is no such task: check its id, and that it is not too old", param="task_id")
    return as_of(task, services.wall(), margin=services.reservation_margin)


async def take_back(task: Task, services: Services) -> None:
    """Take an order back that nobody has begun; what was reserved is returned. Raises `Conflict`, `ServiceUnavailable`.

    Where this ends half-way, the worker that finds the order in the queue settles it.
    """
    outcome = Outcome("FAILED", error="it was cancelled", settlement=uncharged(task, cancelled=True))
    found = await services.tasks.end(task.project_uid, task.id, outcome, generation=None)
    if found != "ended":
        raise Conflict("the task has begun and can't be cancelled any more", param="task_id")
    admitted = admitted_of(task, services)
    if admitted is not None and outcome.settlement is not None:
        await services.meter.settle_surely(admitted, outcome.settlement, again=False)
    await services.tasks.note_settled(task.project_uid, task.id)


async def _queued(task_id: str, uid: str, services: Services) -> str:
    """An order that came before; it is queued again in case whoever took it died before it was."""
    task = await services.tasks.find(uid, task_id)
    if task is not None and task.status == "PENDING":
        await services.queue.add(uid, task_id)
    return task_id


def _release(ticket: Ticket | None, services: Services) -> None:
    if ticket is not None:
        services.meter.release(ticket.admitted)


async def _submitted(task_id: str, order: Order, named: Named | None, ticket: Ticket | None, services: Services) -> str:
    """The id under which the order is written down; where that is not this one, nothing is held for it any more."""
    try:
        made = await services.tasks.submit(task_id, order, named)
    except ServiceUnavailable:
        # perhaps it is written down, and its reservation must be there; under its name the client finds it again
        if named is None:
            release = partial(_release, ticket, services)
            services.tasks.doubts.add(order.terms.project.uid, task_id, release=release)
        raise
    except GatewayError:
        _release(ticket, services)
        raise
    if made != task_id:
        _release(ticket, services)
    return made


def _named(request: Request) -> Named | None:
    name = request.headers.get("idempotency-key")
    if name is None:
        return None
    if not 1 <= len(name) <= _LONGEST_NAME:
        raise InvalidRequest(
            f"the Idempotency-Key has {len(name)} characters: 1 to {_LONGEST_NAME} are taken", param="Idempotency-Key"
        )
    return Named(name, f"{request.path.rstrip('/')}\n".encode() + request.body)
