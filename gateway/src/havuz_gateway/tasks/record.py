"""What is kept of a task: the order with the terms on which it was taken, and how it ended. Pure."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from havuz_contract.snapshot.models import Project, ProjectKey
from havuz_gateway.metering.meter import Settlement
from havuz_gateway.protocols.json_text import dump, load
from havuz_gateway.protocols.usage import Usage

Action = Literal["image", "image_edit"]
Status = Literal["PENDING", "IN_PROGRESS", "SUCCESS", "FAILED"]
_VERSION = 1
NOT_IN_TIME = "it was not done in time: order it again"


class RecordUnreadable(ValueError):
    """What is kept was written by another version, or is damaged."""


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms an order was let in: who pays, the most it can cost (nanos), and for which UTC day it counts.

    `project` is without its keys. `metered` is false for a test key, whose orders cost nothing.
    """

    project: Project
    key: ProjectKey
    model: str  # the route's public id
    metered: bool = False
    reserved: bool = False
    ceiling: int = 0
    day: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What a client wants. `body` is a request for pictures in OpenAI's form; `request` is what the client sent.

    `base_url` is what links to its files begin with; `headers` are those that continue the client's trace.
    """

    action: Action
    body: Mapping[str, Any] = field(repr=False)
    request: Mapping[str, Any] = field(repr=False)
    terms: Terms
    base_url: str
    path: str
    callback_url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a task ended: the names of its files, or the sentence that says why there are none.

    `settlement` is what is to be settled; None for orders that cost nothing.
    """

    status: Literal["SUCCESS", "FAILED"]
    files: tuple[str, ...] = ()
    error: str | None = None
    settlement: Settlement | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A task as it stands. `created` and `due` are unix seconds; `outcome` is there once it has ended."""

    id: str
    status: Status
    created: float
    due: float
    order: Order
    outcome: Outcome | None = None

    @property
    def project_uid(self) -> str:
        """Whose it is."""
        return self.order.terms.project.uid


def as_of(task: Task, now: float, *, margin: float) -> Task:
    """The task as its client is to see it: one whose time is over by `margin` seconds is done by nobody any more."""
    if task.outcome is not None or now <= task.due + margin:
        return task
    return replace(task, status="FAILED", outcome=Outcome("FAILED", error=NOT_IN_TIME))


def pack_order(order: Order) -> bytes:
    """The order as bytes."""
    terms = order.terms
    members = {
        **{name: getattr(order, name) for name in Order.__slots__ if name != "terms"},
        "version": _VERSION,
        "terms": {
            **{name: getattr(terms, name) for name in Terms.__slots__ if name not in ("project", "key")},
            "project": json.loads(terms.project.model_copy(update={"keys": ()}).model_dump_json(exclude_defaults=True)),
            "key": json.loads(terms.key.model_dump_json(exclude_defaults=True)),
        },
    }
    return dump(members).encode()


def unpack_order(data: bytes) -> Order:
    """What `pack_order` made. Raises `RecordUnreadable`."""
    members = _members(data)
    try:
        terms = members.pop("terms")
        project, key = Project(**terms.pop("project")), ProjectKey(**terms.pop("key"))
        return Order(terms=Terms(project=project, key=key, **terms), **members)
    except (KeyError, TypeError, ValueError) as error:
        raise RecordUnreadable(f"a task's order lacks what is expected: {type(error).__name__}") from None


def pack_outcome(outcome: Outcome) -> bytes:
    """The outcome as bytes."""
    settlement = outcome.settlement
    members: dict[str, Any] = {
        "version": _VERSION,
        "status": outcome.status,
        "files": outcome.files,
        "error": outcome.error,
        "settlement": None,
    }
    if settlement is not None:
        usage = asdict(settlement.usage) if settlement.usage is not None else None
        members["settlement"] = {**settlement._asdict(), "usage": usage}
    return dump(members).encode()


def unpack_outcome(data: bytes) -> Outcome:
    """What `pack_outcome` made. Raises `RecordUnreadable`."""
    members = _members(data)
    try:
        settlement = members.pop("settlement")
        if settlement is not None:
            usage = settlement.pop("usage")
            flags = tuple(settlement.pop("flags"))
            settlement = Settlement(usage=Usage(**usage) if usage is not None else None, flags=flags, **settlement)
        return Outcome(settlement=settlement, files=tuple(members.pop("files")), **members)
    except (KeyError, TypeError, ValueError) as error:
        raise RecordUnreadable(f"a task's outcome lacks what is expected: {type(error).__name__}") from None


def _members(data: bytes) -> dict[str, Any]:
    try:
        members = load(data)
    except ValueError:
        raise RecordUnreadable("what is kept of a task is damaged") from None
    if not isinstance(members, dict) or members.pop("version", None) != _VERSION:
        raise RecordUnreadable("what is kept of a task was written by another version")
    return members
