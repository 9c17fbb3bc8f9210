"""Which of several operators does the work: the holder of a Lease.

https://kubernetes.io/docs/concepts/architecture/leases/. Clocks of different machines are never compared: a lease has
run out when its record has not changed for its duration on the looker's own clock.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from havuz_operator.kube import KubeError

_log = logging.getLogger(__name__)

LEASE_SECONDS = 12
# The holder stops a good while before others may begin.
GIVE_UP_SECONDS = 8.0
RENEW_SECONDS = 3.0
LOOK_SECONDS = 1.0

Document = Mapping[str, Any]


class Leases(Protocol):
    """Reads and writes the one Lease, as documents. All raise `KubeError`."""

    async def read_lease(self, namespace: str, name: str) -> Document | None:
        """The Lease, None where there is none."""

    async def write_lease(self, body: Document) -> Document | None:
        """Create it, or replace just the version that `body` names; None when somebody else was faster."""


@dataclass(slots=True)
class _Seen:
    """A record of the Lease, and when this process saw it first (monotonic seconds)."""

    record: tuple[str, str]  # holder, time of its last renewal
    at: float


class Leadership:
    """One operator's part in the election. `wall` gives an aware UTC time, `now` monotonic seconds."""

    def __init__(
        self,
        leases: Leases,
        *,
        namespace: str,
        name: str,
        holder: str,
        now: Callable[[], float],
        wall: Callable[[], datetime],
    ) -> None:
        self._leases = leases
        self._namespace, self._name, self._holder = namespace, name, holder
        self._now, self._wall = now, wall
        self._seen: _Seen | None = None
        self._renewed_at = 0.0

    async def acquire(self) -> None:
        """Return once the lease is held."""
        _log.info("waiting to lead", extra={"lease": f"{self._namespace}/{self._name}"})
        while not await self._attempt():  # noqa: ASYNC110 - nothing tells of a lease that has run out
            await asyncio.sleep(LOOK_SECONDS)
        _log.info("leading", extra={"holder": self._holder})

    async def lost(self) -> None:
        """Keep the lease; return once it is not certain any more that it is held."""
        while self._now() - self._renewed_at < GIVE_UP_SECONDS:
            await asyncio.sleep(RENEW_SECONDS)
            if not await self._attempt(until=self._renewed_at + GIVE_UP_SECONDS) and self._held_by_another():
                break
        _log.warning("not leading any more", extra={"holder": self._holder})

    async def release(self) -> None:
        """Let another begin at once. An API server that is away is not waited for."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                lease = await self._leases.read_lease(self._namespace, self._name)
                if lease is not None and _record(lease)[0] == self._holder:
                    await self._leases.write_lease(self._body(lease, holder=""))
        except (KubeError, TimeoutError) as error:
            _log.warning("the lease is left to run out", extra={"error": str(error)})

    async def _attempt(self, until: float | None = None) -> bool:
        """Take or renew the lease if that is possible now. `until` bounds the wait for an answer (monotonic)."""
        began = self._now()
        try:
            async with asyncio.timeout(None if until is None else max(0.1, until - began)):
                lease = await self._leases.read_lease(self._namespace, self._name)
                if lease is not None and not self._may_take(lease):
                    return False
                written = await self._leases.write_lease(self._body(lease, holder=self._holder))
        except (KubeError, TimeoutError) as error:
            _log.warning("the lease can't be read or written", extra={"error": str(error) or "no answer in time"})
            return False
        if written is None:
            return False
        self._renewed_at = began
        self._seen = _Seen(_record(written), began)
        return True

    def _may_take(self, lease: Document) -> bool:
        record = _record(lease)
        if self._seen is None or self._seen.record != record:
            self._seen = _Seen(record, self._now())
        holder = record[0]
        duration = float(lease["spec"].get("leaseDurationSeconds") or LEASE_SECONDS)
        return holder in ("", self._holder) or self._now() - self._seen.at > duration

    def _held_by_another(self) -> bool:
        return self._seen is not None and self._seen.record[0] != self._holder

    def _body(self, lease: Document | None, *, holder: str) -> Document:
        spec = dict(lease["spec"]) if lease is not None else {}
        time = self._wall().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if spec.get("holderIdentity") != holder:
            spec["acquireTime"] = time
            spec["leaseTransitions"] = (spec.get("leaseTransitions") or 0) + 1
        spec |= {"holderIdentity": holder, "renewTime": time, "leaseDurationSeconds": LEASE_SECONDS}
        metadata = dict(lease["metadata"]) if lease is not None else {"namespace": self._namespace, "name": self._name}
        metadata.pop("managedFields", None)
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}


def _record(lease: Document) -> tuple[str, str]:
    spec = lease.get("spec") or {}
    return spec.get("holderIdentity") or "", spec.get("renewTime") or ""
