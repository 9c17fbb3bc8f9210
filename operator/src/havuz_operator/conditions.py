"""Statuses: what is known of an object, as the difference to the status it has. Pure.

A condition is written only when it says something else than before; `lastTransitionTime` moves with its status alone.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from havuz_contract.v1alpha1.conditions import Condition

# Which gateways hold an object is news only while some of them do not.
_QUIET = ("Programmed", "Programmed")


@dataclass(frozen=True, slots=True)
class Transition:
    """A condition whose status or reason has changed; `before` is None when the object did not have it."""

    before: Mapping[str, Any] | None
    after: Condition

    @property
    def flipped(self) -> bool:
        """Whether the condition was something else, rather than unknown, before."""
        return self.before is not None and self.before.get("status") != self.after.status


@dataclass(frozen=True, slots=True)
class StatusChange:
    """What to write into a status (a field that is None goes away), and what to tell people of it."""

    patch: Mapping[str, Any]
    transitions: tuple[Transition, ...]


def change(
    current: Mapping[str, Any],
    conditions: Iterable[Condition],
    fields: Mapping[str, Any],
    *,
    generation: int,
    now: datetime,
    keep: Collection[str] = (),
) -> StatusChange | None:
    """The difference between the `current` status and what is known now; None when there is none.

    Conditions of the types in `keep` stay as they are: nothing is known of them at the moment.
    """
    held = {str(one.get("type")): one for one in current.get("conditions") or ()}
    written: list[Mapping[str, Any]] = []
    transitions: list[Transition] = []
    for condition in conditions:
        before = held.get(condition.type)
        written.append(_written(before, condition, generation=generation, now=now))
        if before is None or (before.get("status"), before.get("reason")) != (condition.status, condition.reason):
            transitions.append(Transition(before, condition))
    written.extend(held[type_] for type_ in keep if type_ in held)
    wanted = {name: value for name, value in fields.items() if value is not None} | {"conditions": written}
    patch = {name: value for name, value in wanted.items() if current.get(name) != value}
    patch |= dict.fromkeys(current.keys() - wanted.keys())
    return StatusChange(patch, tuple(transitions)) if patch else None


def _written(
    before: Mapping[str, Any] | None, condition: Condition, *, generation: int, now: datetime
) -> Mapping[str, Any]:
    fresh = {
        "type": condition.type,
        "status": condition.status,
        "reason": condition.reason,
        "message": condition.message[:32768],
        "lastTransitionTime": timestamp(now),
        "observedGeneration": generation,
    }
    if before is None:
        return fresh
    if before.get("status") == condition.status:
        fresh["lastTransitionTime"] = before.get("lastTransitionTime", fresh["lastTransitionTime"])
    quiet = (condition.type, condition.reason) == _QUIET
    if quiet and before.get("reason") == condition.reason and before.get("observedGeneration") == generation:
        return before
    return fresh


def timestamp(moment: datetime) -> str:
    """The moment as the API server writes it: UTC, whole seconds."""
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
