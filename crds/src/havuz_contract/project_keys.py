"""Project keys: how one is made, shown and kept. Pure; the operator and local mode do the writing.

A key that havuz makes lives in the Secret `<project>-<key name>` under `key`, beside the time it was made.
Only its SHA-256 goes further. `rotation` says what it holds beside, once the key was rotated. The Secret of a key
that the customer made (`spec.selfService`) looks the same, and names its project: it is the only record of the
key, so that nothing that is applied to the Project can take it away.
"""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from havuz_contract.v1alpha1.meta import API_VERSION, GROUP
from havuz_contract.v1alpha1.project import Project, ProjectKey
from havuz_contract.v1alpha1.shared import SecretKeyRef

KEY_ENTRY = "key"
CREATED_ENTRY = "createdAt"
RANDOM_BYTES = 32
PROJECT_LABEL = f"{GROUP}/project"
KEY_LABEL = f"{GROUP}/project-key"
SELF_MADE_LABEL = f"{GROUP}/self-made"
SELF_MADE_ENTRY = "selfMadeFor"
MOST_SELF_MADE = 100

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DEFAULT_PREFIX = {"Live": "pk_live_", "Test": "pk_test_"}
_DIGITS = 43  # 62 ** 43 > 2 ** 256
_SHOWN_END = 4
_LONGEST_NAME = 40
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class MissingKey:
    """A key that havuz is to make: for which entry of the Project, and in which Secret."""

    key: ProjectKey
    secret_name: str


def prefix(key: ProjectKey) -> str:
    """What a made key begins with."""
    return key.prefix or _DEFAULT_PREFIX[key.mode]


def make_key(prefix: str, random: bytes) -> str:
    """The key made of 32 random bytes: the prefix, then 43 base62 digits that hold all of them.

    Raises `ValueError` when `random` has another length.
    """
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"a key needs {RANDOM_BYTES} random bytes, not {len(random)}")
    number = int.from_bytes(random, "big")
    digits = ""
    for _ in range(_DIGITS):
        number, digit = divmod(number, len(_BASE62))
        digits += _BASE62[digit]
    return prefix + digits


def sha256(key: str) -> str:
    """The hash (hex) by which a gateway knows the key."""
    return hashlib.sha256(key.encode()).hexdigest()


def key_id(digest: str) -> str:
    """The public id of the key with this SHA-256 (hex). It can be shown, and does not lead back to the key."""
    return "key_" + hashlib.sha256(f"havuz key id {digest}".encode()).hexdigest()[:24]


def masked(key: str) -> str:
    """The key for eyes: its prefix and its last four characters, and nothing of a key too short for that."""
    head = key[: 1 + max(key.rfind("_", 0, 16), key.rfind("-", 0, 16))]
    if len(key) - len(head) < 4 * _SHOWN_END:
        return "…"
    return f"{head}…{key[-_SHOWN_END:]}"


def secret_of(project: Project, key: ProjectKey) -> SecretKeyRef:
    """Where the key's value is: the Secret that was brought, or the one that havuz makes."""
    if key.secret_ref is not None:
        return key.secret_ref
    return SecretKeyRef(name=f"{project.metadata.name}-{key.name}", key=KEY_ENTRY)


def missing_keys(project: Project, secrets: Collection[tuple[str, str]]) -> list[MissingKey]:
    """The keys that havuz is to make, given the (namespace, name) of every Secret that exists.

    A Secret that exists is never written over, whatever it holds.
    """
    made = (key for key in project.spec.keys if key.secret_ref is None)
    wanted = (MissingKey(key, secret_of(project, key).name) for key in made)
    return [one for one in wanted if (project.metadata.namespace, one.secret_name) not in secrets]


def self_made(secrets: Mapping[tuple[str, str], Mapping[str, str]]) -> dict[tuple[str, str], tuple[ProjectKey, ...]]:
    """The keys that customers made, by (namespace, name) of their Project, given all Secrets by (namespace, name).

    No more than `MOST_SELF_MADE` of a project, by their names.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for (namespace, secret_name), entries in secrets.items():
        project = entries.get(SELF_MADE_ENTRY)
        if project is None:
            continue
        name = secret_name.removeprefix(f"{project}-")
        if name != secret_name and is_name(name):
            found.setdefault((namespace, project), []).append(name)
    return {place: tuple(map(self_made_key, sorted(names)[:MOST_SELF_MADE])) for place, names in found.items()}


def self_made_key(name: str) -> ProjectKey:
    """A key that a customer made, as if it stood in the spec."""
    return ProjectKey(name=name, mode="Live")


def is_name(text: str) -> bool:
    """Whether a key may have this name."""
    return len(text) <= _LONGEST_NAME and _NAME.fullmatch(text) is not None


def every_key(project: Project, self_made_: Collection[ProjectKey]) -> tuple[ProjectKey, ...]:
    """The keys of the spec, and those that the customer made under other names."""
    if not self_made_:
        return project.spec.keys
    own = {key.name for key in project.spec.keys}
    return (*project.spec.keys, *(key for key in self_made_ if key.name not in own))


def self_made_prefix(project: Project) -> str:
    """What a key that the customer makes begins with: what the project's first live key that havuz made does."""
    like = (key for key in project.spec.keys if key.mode == "Live" and key.secret_ref is None)
    return prefix(next(like, self_made_key("live")))


def self_made_labels(project: Project, key: ProjectKey) -> dict[str, str]:
    """Labels of the Secret of a key that the customer made: havuz may delete it as well."""
    return {**labels(project, key), SELF_MADE_LABEL: "true"}


def labels(project: Project, key: ProjectKey) -> dict[str, str]:
    """The labels by which the Secret of a made key is known as one that havuz made, and may write."""
    return {
        "app.kubernetes.io/managed-by": "havuz",
        PROJECT_LABEL: project.metadata.name,
        KEY_LABEL: key.name,
    }


def secret_data(key: str, now: datetime) -> Mapping[str, str]:
    """The entries of a made key's Secret, not encoded."""
    return {KEY_ENTRY: key, CREATED_ENTRY: now.isoformat(timespec="seconds").replace("+00:00", "Z")}


def secret_body(
    project: Project, missing: MissingKey, *, key: str, now: datetime, beside: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Any]:
    """The Secret of a made key, as the API server wants it, with the entries `beside` the key's own.

    It is deleted together with its Project.
    """
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": missing.secret_name,
            "namespace": project.metadata.namespace,
            "labels": labels(project, missing.key),
            "ownerReferences": [
                {
                    "apiVersion": API_VERSION,
                    "kind": "Project",
                    "name": project.metadata.name,
                    "uid": project.metadata.uid,
                    "controller": True,
                    "blockOwnerDeletion": False,
                }
            ],
        },
        "type": "Opaque",
        "stringData": {**secret_data(key, now), **beside},
    }
