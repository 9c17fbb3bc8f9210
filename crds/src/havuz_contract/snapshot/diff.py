"""Two snapshots in, the hash fields to set and delete out. Pure; one user object is one field."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from havuz_contract import keys
from havuz_contract.snapshot.models import Part, Snapshot


@dataclass(frozen=True, slots=True)
class Difference:
    """Objects to write and uids to delete, by the Redis hash that holds them."""

    upsert: Mapping[str, Mapping[str, Part]] = field(default_factory=dict)
    delete: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(self.upsert.values()) or any(self.delete.values())


def difference(before: Snapshot, after: Snapshot) -> Difference:
    """What changes between two snapshots."""
    upsert: dict[str, dict[str, Part]] = {}
    delete: dict[str, tuple[str, ...]] = {}
    for key, old, new in (
        (keys.UPSTREAMS, before.upstreams, after.upstreams),
        (keys.ROUTES, before.routes, after.routes),
        (keys.PROJECTS, before.projects, after.projects),
    ):
        if old is new:  # nothing of the kind was compiled anew
            continue
        upsert[key] = {uid: part for uid, part in new.items() if _differs(old.get(uid), part)}
        delete[key] = tuple(sorted(old.keys() - new.keys()))
    return Difference(upsert=upsert, delete=delete)


def _differs(old: Part | None, new: Part) -> bool:
    return old is not new and old != new  # most parts are the very same object: spares comparing their fields
