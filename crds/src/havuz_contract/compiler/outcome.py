"""What compiling says of each object: its conditions, and the fields of its status that follow from the compile."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any, Generic, TypeVar

from havuz_contract.snapshot.models import Part, Snapshot
from havuz_contract.v1alpha1.conditions import Condition
from havuz_contract.v1alpha1.meta import ObjectRef

Built = TypeVar("Built", bound=Part)


@dataclass(frozen=True, slots=True)
class ObjectStatus:
    """Conditions (Accepted, Resolved) and further status fields of one object, these as JSON by their wire names.

    `served` tells whether the object is in the snapshot; only then can gateways load it, and it become Programmed.
    `settled` tells whether nothing is left to load: an object that is meant to be out of service is settled too.
    """

    uid: str
    conditions: tuple[Condition, ...]
    fields: Mapping[str, Any] = field(default_factory=dict)
    served: bool = False
    settled: bool = False

    def condition(self, type: str) -> Condition | None:  # noqa: A002 (Kubernetes's word)
        """The condition of this type, if the compile has an opinion on it."""
        return next((one for one in self.conditions if one.type == type), None)

    @property
    def obstacle(self) -> Condition | None:
        """The false condition that keeps the object out of service, if one does."""
        if self.served or self.settled:
            return None
        return next((one for one in self.conditions if one.status != "True"), None)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Built]):
    """One object, compiled: its part of the snapshot (None: it is not served) and its status."""

    part: Built | None
    status: ObjectStatus


@dataclass(frozen=True, slots=True)
class Compiled:
    """The snapshot, and the status of every object that went into it or was refused.

    `kinds` are the same statuses, kind by kind. What was compiled before and is as it was is the very same object.
    `next_end` is when the next project key ends, which changes what is said of it: unix seconds, infinity for never.
    """

    snapshot: Snapshot
    statuses: Mapping[ObjectRef, ObjectStatus]
    kinds: tuple[Mapping[ObjectRef, ObjectStatus], ...] = ()
    next_end: float = inf


def differing(before: Compiled | None, after: Compiled) -> set[ObjectRef]:
    """What has come to something else in `after`, by its status or by its part."""
    if before is None:
        return set(after.statuses)
    return {
        ref
        for old, new in zip(before.kinds, after.kinds, strict=True)
        if old is not new
        for ref, status in new.items()
        if old.get(ref) is not status or before.snapshot.part(status.uid) is not after.snapshot.part(status.uid)
    }
