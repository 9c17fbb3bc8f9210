"""The meter's interface: let a request in, and record what it used.

What is made for each request is a `NamedTuple`: as immutable as a frozen dataclass, made in a third of the time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol

from havuz_contract.snapshot.models import Project, ProjectKey, Route, Upstream
from havuz_gateway.protocols.usage import Usage

Status = Literal["ok", "error", "cancelled", "abandoned"]
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Admission(NamedTuple):
    """A request that asks to be let in. `id` is the request's id: settling the same id twice changes nothing.

    `ceiling` is the most it can cost and `abandoned` what it costs if its gateway dies, in nanos of the project's unit;
    `tokens` what it will probably use of a token rate. `now` is unix seconds, `lifetime` the seconds after which it can
    not be under way any more.
    """

    id: str
    project: Project
    key: ProjectKey
    route: Route
    ceiling: int
    tokens: int
    now: float
    lifetime: float
    abandoned: int = 0


class Admitted(NamedTuple):
    """A request that was let in. `reserved` says that a reservation is open; `headers` go into its answer."""

    admission: Admission
    reserved: bool
    day: str  # the UTC day that its spending counts for
    headers: Mapping[str, str] = _NO_HEADERS


class Settlement(NamedTuple):
    """How a request ended, and what it cost in nanos of the project's unit.

    `upstream`, `provider` and `upstream_model` are of the attempt that answered, empty where none did; `flags` say what
    a reader of the ledger must know: `estimated`, `clamped`.
    """

    status: Status
    cost: int = 0
    usage: Usage | None = None
    upstream: str = ""
    provider: str = ""
    upstream_model: str = ""
    operation: str = ""
    attempts: int = 0
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """A place on an upstream that has limits, for one attempt. It must be given back."""

    id: str
    upstream: Upstream
    tokens: int
    ceiling: int
    day: str


@dataclass(frozen=True, slots=True)
class LimitReached:
    """An upstream is at a limit of its own for about `wait` seconds: it is passed over, not failed."""

    limit: Literal["requests", "tokens", "concurrency", "spend"]
    wait: float


class Meter(Protocol):
    """Admits requests and settles what they used."""

    async def admit(self, admission: Admission) -> Admitted:
        """Let the request in. Raises `GatewayError` when a limit or the balance stands in the way."""

    def settle(self, admitted: Admitted, settlement: Settlement) -> None:
        """Record what the request used; safe to repeat. Returns at once: the meter writes in its own time, surely."""

    async def settle_surely(self, admitted: Admitted, settlement: Settlement, *, again: bool) -> None:
        """Record what an order used, and return once it is in the books; `again` says that it may be there already.

        Raises `ServiceUnavailable` while Redis does not take it.
        """

    def release(self, admitted: Admitted) -> None:
        """Undo an admission that led to nothing: no request, no usage. Returns at once; safe to repeat."""

    async def claim(self, upstream: Upstream, *, attempt_id: str, tokens: int, ceiling: int,
                    lifetime: float) -> Claim | LimitReached | None:  # fmt: skip
        """Take a place on an upstream; None where it has no limits, or where Redis can't be asked."""

    def unclaim(self, claim: Claim, *, tokens: int, cost: int) -> None:
        """Give the place back with what was really used. Returns at once; safe to repeat."""
