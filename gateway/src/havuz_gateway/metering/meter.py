"""The meter's interface: let a request in, and record what it used."""

from dataclasses import dataclass
from typing import Protocol

from havuz_contract.snapshot.models import Project, ProjectKey, Route
from havuz_gateway.protocols.usage import Usage


@dataclass(frozen=True, slots=True)
class Admission:
    """A request that was let in. `id` is the request's id: settling the same id twice changes nothing."""

    id: str
    project: Project
    key: ProjectKey
    route: Route


class Meter(Protocol):
    """Admits requests and settles what they used."""

    async def admit(self, admission: Admission) -> None:
        """Let the request in. Raises `GatewayError` when a limit or the balance stands in the way."""

    def settle(self, admission: Admission, usage: Usage | None) -> None:
        """Record what the request used; safe to repeat. Returns at once: the meter writes in its own time, surely."""
