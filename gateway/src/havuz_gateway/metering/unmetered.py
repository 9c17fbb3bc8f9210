"""A meter for gateways that keep no books, such as those of tests and benchmarks: lets every request in."""

from havuz_contract.snapshot.models import Upstream
from havuz_gateway.metering.meter import Admission, Admitted, Claim, LimitReached, Meter, Settlement


class Unmetered:
    """Nothing to reserve, nothing to settle."""

    async def admit(self, admission: Admission) -> Admitted:
        """Let the request in."""
        return Admitted(admission, reserved=False, day="")

    def settle(self, admitted: Admitted, settlement: Settlement) -> None:
        """Nothing is owed."""

    async def claim(
        self, upstream: Upstream, *, attempt_id: str, tokens: int, ceiling: int, lifetime: float
    ) -> Claim | LimitReached | None:
        """No upstream is limited."""

    def unclaim(self, claim: Claim, *, tokens: int, cost: int) -> None:
        """Nothing was claimed."""


_: type[Meter] = Unmetered
