"""The meter of projects without a price plan: lets every request in, and keeps no books."""

from havuz_gateway.metering.meter import Admission, Meter
from havuz_gateway.protocols.usage import Usage


class Unmetered:
    """Plan `Unmetered`, the only one this version's compiler accepts: nothing to reserve, nothing to settle."""

    async def admit(self, admission: Admission) -> None:
        """Let the request in."""

    def settle(self, admission: Admission, usage: Usage | None) -> None:
        """Nothing is owed."""


_: type[Meter] = Unmetered
