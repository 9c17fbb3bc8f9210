"""A gateway that counts nothing: beside it one sees what metering costs. Started like `python -m havuz_gateway`."""

import sys
from collections.abc import Iterator

from havuz_contract.snapshot.models import Upstream
from havuz_gateway import app, starting
from havuz_gateway.metering.meter import Admission, Admitted, Claim, LimitReached, Meter, Settlement
from havuz_gateway.settings import Settings
from havuz_gateway.telemetry.money import Backlog


class Uncounted:
    """Lets every request in: nothing to reserve, nothing to settle, nothing to connect to."""

    def start(self) -> None:
        """There is nothing to connect to."""

    async def close(self) -> None:
        """There is nothing to flush."""

    async def admit(self, admission: Admission) -> Admitted:
        """Let the request in."""
        return Admitted(admission, reserved=False, day="")

    def settle(self, admitted: Admitted, settlement: Settlement) -> None:
        """Nothing is owed."""

    async def settle_surely(self, admitted: Admitted, settlement: Settlement, *, again: bool) -> None:
        """Nothing is owed."""

    def release(self, admitted: Admitted) -> None:
        """Nothing was reserved."""

    async def claim(
        self, upstream: Upstream, *, attempt_id: str, tokens: int, ceiling: int, lifetime: float
    ) -> Claim | LimitReached | None:
        """No upstream is limited."""

    def served(self) -> Iterator[str]:
        """No project's money moves."""
        return iter(())

    def backlog(self) -> Backlog:
        """There is nothing to write down."""
        return Backlog(up=True, in_flight=0, journal_bytes=0, lost=0)

    def unclaim(self, claim: Claim, *, tokens: int, cost: int) -> None:
        """Nothing was claimed."""


_: type[Meter] = Uncounted


def _no_meter(_: Settings) -> Uncounted:
    return Uncounted()


if __name__ == "__main__":
    vars(app)["_meter"] = _no_meter
    sys.exit(starting.gateway())
