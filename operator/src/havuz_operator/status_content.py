"""What the status of an object says: what compiling found, which gateways have it, how its keys or its money are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from havuz_contract.compiler.compile import ObjectStatus
from havuz_contract.snapshot.models import Route
from havuz_contract.v1alpha1.conditions import Condition, not_programmed, programmed, refused
from havuz_contract.v1alpha1.meta import ObjectRef
from havuz_contract.v1alpha1.registry import ManifestError
from havuz_operator.conditions import StatusChange, change
from havuz_operator.fleet import Fleet
from havuz_operator.health_book import HealthBook
from havuz_operator.money_report import MoneyReport, Shown
from havuz_operator.publication import Publication
from havuz_operator.reconcile import Reconciler
from havuz_operator.world import Stored, World

_MONEY_CONDITIONS = ("Credited", "Funded")
_MONEY_FIELDS = ("balance", "reserved", "spent", "period")
_HEALTH_FIELDS = {
    "UpstreamKey": ("state", "until", "reason", "lastError", "lastStatus"),
    "ModelRoute": ("targets",),
}
_Health = tuple[Sequence[Condition], Mapping[str, Any]]
_UNPUBLISHED = Condition("Programmed", "False", "Loading", "The configuration has not been published yet.")
_SUSPENDED = Condition("Usable", "False", "Suspended", "spec.suspended takes the key out of the pool.")


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything a status is worked out from."""

    world: World
    reconciler: Reconciler
    publication: Publication
    fleet: Fleet
    health: HealthBook
    money: MoneyReport


class StatusContent:
    """Works statuses out of the `sources`, as they are at the moment. Call `begin` before a round of looks."""

    def __init__(self, sources: Sources, *, clock: Callable[[], datetime]) -> None:
        self._sources = sources
        self._clock = clock
        self._loaded: dict[int, int] = {}

    def begin(self) -> None:
        """Count anew how many gateways have loaded what."""
        self._loaded.clear()

    def difference(self, ref: ObjectRef, stored: Stored, status: ObjectStatus) -> StatusChange | None:
        """What is to be written; None: the status says it all."""
        programming = self._programmed(status)
        conditions = [*status.conditions, *([programming] if programming else [])]
        keep = () if programming else ("Programmed",)
        fields = dict(status.fields)
        if ref.kind in ("UpstreamKey", "ModelRoute"):
            health = self._health(ref, status, stored)
            keep = (*keep, "Usable") if health is None else keep
            usable, shown = health or ((), {name: stored.status.get(name) for name in _HEALTH_FIELDS[ref.kind]})
            conditions.extend(usable)
            fields |= {name: value for name, value in shown.items() if value is not None}
        if ref.kind == "Project":
            money = (self._sources.money.look(status.uid) if status.served else None) or _kept(stored)
            conditions.extend(money.conditions)
            fields |= money.fields
        return change(stored.status, conditions, fields, generation=stored.generation, now=self._clock(), keep=keep)

    def compiled(self, stored: Stored) -> ObjectStatus | None:
        """What the compile said of the object; None while it has not seen this version of it."""
        if isinstance(stored.parsed, ManifestError):
            sentences = [str(problem) for problem in stored.parsed.problems]
            return ObjectStatus(uid=stored.uid, conditions=(refused("Invalid", sentences),))
        return self._sources.reconciler.status(stored.parsed)

    def _programmed(self, status: ObjectStatus) -> Condition | None:
        """The condition Programmed; None while Redis has not been read yet, so that a restart takes nothing back."""
        if status.obstacle is not None:
            return not_programmed(status.obstacle)
        fleet = self._sources.fleet
        if fleet.found is None or not self._sources.publication.known:
            return None
        since = self._sources.publication.since(status.uid, self._sources.reconciler.part(status.uid))
        if since is None:
            return _UNPUBLISHED
        return programmed(self.loaded_since(since), len(fleet.revisions), since)

    def _health(self, ref: ObjectRef, status: ObjectStatus, stored: Stored) -> _Health | None:
        """The condition Usable and the fields beside it: none of what is not in the pool. None: not known yet, so that
        a restart takes nothing back."""
        if status.settled:
            return [_SUSPENDED], {"state": "Suspended"}
        part = self._sources.reconciler.part(status.uid) if status.served else None
        if part is None:
            return [], {}
        health, now = self._sources.health, self._clock().timestamp()
        if not health.fed:
            return None
        if not isinstance(part, Route):
            shown = health.look(status.uid, now)
            return [shown.condition()], shown.fields(stored.status)
        condition, usable = health.look_at_pool(status.uid, [target.upstreams for target in part.targets], now)
        total = status.fields["targets"]["total"]
        return [condition], {"targets": {"usable": usable, "total": total, "summary": f"{usable}/{total}"}}

    def loaded_since(self, since: int | None) -> int:
        """How many gateways have loaded that revision, counted once for all the objects in it."""
        if since is None:
            return -1
        if since not in self._loaded:
            self._loaded[since] = self._sources.fleet.loaded(since)
        return self._loaded[since]


def _kept(stored: Stored) -> Shown:
    """What the status says of a project's money already: it stays while nothing newer is known."""
    held = stored.status.get("conditions") or ()
    conditions = [one for one in held if one.get("type") in _MONEY_CONDITIONS]
    return Shown(
        tuple(Condition(one["type"], one["status"], one["reason"], one["message"]) for one in conditions),
        {name: stored.status.get(name) for name in _MONEY_FIELDS},
    )
