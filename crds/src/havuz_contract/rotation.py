"""Rotation of project keys: which are due, and what the Secret of one holds afterwards. Pure.

The annotation `havuz.dev/rotate-key: live=<any new value>` of a Project asks for it. The Secret of the key remembers
the value that it was rotated for, so that each value rotates once, whoever restarts in between; and by their hashes,
the former keys and when each ends.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from havuz_contract import project_keys
from havuz_contract.v1alpha1.meta import GROUP
from havuz_contract.v1alpha1.project import Project, ProjectKey
from havuz_contract.v1alpha1.shared import seconds

ANNOTATION = f"{GROUP}/rotate-key"
ID_ENTRY = "id"
ROTATED_ENTRY = "rotatedFor"
FORMER_ENTRY = "formerKeys"
ENTRIES = (ID_ENTRY, ROTATED_ENTRY, FORMER_ENTRY)
"""What the Secret of a rotated key holds beside the key itself."""

_MOST_FORMER_KEYS = 8
_ID = re.compile(r"key_[0-9a-f]{24}")
_SHA256 = re.compile(r"[0-9a-f]{64}")

Entries = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FormerKey:
    """A key that was replaced: known by its SHA-256 (hex), works until `until`. Times are unix seconds."""

    sha256: str
    masked: str
    created_at: float
    until: float


@dataclass(frozen=True, slots=True)
class Rotation:
    """A key that the annotation names, and the value that it is to be rotated for."""

    key: ProjectKey
    value: str
    secret_name: str


def asked(project: Project) -> tuple[list[Rotation], list[str]]:
    """What the annotation asks for, and a sentence for each part of it that can't be done."""
    known = {key.name: key for key in project.spec.keys}
    rotations: dict[str, Rotation] = {}
    faults: list[str] = []
    for part in filter(None, map(str.strip, project.metadata.annotations.get(ANNOTATION, "").split(","))):
        name, _, value = (text.strip() for text in part.partition("="))
        key = known.get(name)
        if not value:
            faults.append(f"{part!r} in the annotation {ANNOTATION} names no key and value; write `live=<a new value>`")
        elif key is None:
            faults.append(f"key {name!r} in the annotation {ANNOTATION} is none of spec.keys; correct its name")
        elif key.secret_ref is not None:
            sentence = f"key {name!r} is brought by Secret {key.secret_ref.name!r}, and havuz can't rotate it"
            faults.append(f"{sentence}; write another key into that Secret")
        elif name in rotations:
            faults.append(f"key {name!r} is twice in the annotation {ANNOTATION}; leave one")
        else:
            rotations[name] = Rotation(key, value, project_keys.secret_of(project, key).name)
    return list(rotations.values()), faults


def due(project: Project, secrets: Mapping[tuple[str, str], Entries]) -> list[Rotation]:
    """The rotations that the annotation asks for and that were not made. What has no Secret yet is made instead."""
    found = ((one, secrets.get((project.metadata.namespace, one.secret_name))) for one in asked(project)[0])
    return [one for one, entries in found if entries is not None and entries.get(ROTATED_ENTRY) != one.value]


def is_made(entries: Entries) -> bool:
    """Whether a Secret with these entries holds a key that havuz made, as far as entries can tell."""
    return bool(entries.get(project_keys.KEY_ENTRY, "").strip()) and project_keys.CREATED_ENTRY in entries


def first_entries(project: Project, key: ProjectKey) -> dict[str, str]:
    """What a key that is made anew remembers: it is newer than anything that was asked for so far."""
    return next(({ROTATED_ENTRY: one.value} for one in asked(project)[0] if one.key.name == key.name), {})


def rotated(entries: Entries, rotation: Rotation, *, key: str, grace: str, now: datetime) -> dict[str, str]:
    """The entries of the key's Secret after a rotation; see `replaced`."""
    return {**replaced(entries, key=key, grace=grace, now=now), ROTATED_ENTRY: rotation.value}


def replaced(entries: Entries, *, key: str, grace: str, now: datetime) -> dict[str, str]:
    """The entries of the key's Secret with `key` in the old one's place, which works for `grace` from `now` on.

    No key that was replaced before outlives that either: a rotation without grace leaves the new key alone.
    """
    old = entries[project_keys.KEY_ENTRY].strip()
    end = now.timestamp() + seconds(grace)
    created = created_at(entries)
    latest = FormerKey(project_keys.sha256(old), project_keys.masked(old), created or 0.0, end)
    earlier = (one for one in former_keys(entries) if one.sha256 != latest.sha256)
    former = [FormerKey(one.sha256, one.masked, one.created_at, min(one.until, end)) for one in earlier]
    working = [one for one in (latest, *former) if one.until > now.timestamp()][:_MOST_FORMER_KEYS]
    return {
        **project_keys.secret_data(key, now),
        ID_ENTRY: public_id(entries, project_keys.sha256(old)),
        FORMER_ENTRY: json.dumps([asdict(one) for one in working]),
    }


def public_id(entries: Entries, digest: str) -> str:
    """The id of the key with this SHA-256: that of the first in its row, so that usage goes on under one id."""
    kept = entries.get(ID_ENTRY, "")
    return kept if _ID.fullmatch(kept) else project_keys.key_id(digest)


def former_keys(entries: Entries) -> list[FormerKey]:
    """The keys that were replaced, the latest first, ended or not. What can't be read is left out."""
    try:
        listed = json.loads(entries.get(FORMER_ENTRY) or "[]")
    except (ValueError, RecursionError):
        return []
    read = [_former(one) for one in listed] if isinstance(listed, list) else []
    unique = {one.sha256: one for one in reversed(read) if one is not None}
    return list(reversed(unique.values()))[:_MOST_FORMER_KEYS]


def _former(listed: object) -> FormerKey | None:
    match listed:
        case {
            "sha256": str(digest),
            "masked": str(masked),
            "created_at": int() | float() as created,
            "until": int() | float() as until,
        } if _SHA256.fullmatch(digest) and _is_moment(created) and _is_moment(until):
            return FormerKey(digest, masked[:64], float(created), float(until))
        case _:
            return None


def _is_moment(seconds_: float) -> bool:
    return 0 <= seconds_ < datetime.max.replace(tzinfo=UTC).timestamp() - 86_400


def created_at(entries: Entries) -> float | None:
    """When the key was made, in unix seconds; None where the Secret does not say so, or not legibly."""
    try:
        moment = datetime.fromisoformat(entries[project_keys.CREATED_ENTRY])
        stamp = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    except (KeyError, ValueError, OverflowError):
        return None
    return stamp if _is_moment(stamp) else None
