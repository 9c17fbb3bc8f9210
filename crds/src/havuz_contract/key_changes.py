"""What a customer's request about a key comes to: done, refused, or a change to one Secret. Pure.

The operator and local mode carry it out, and ask again until it is done: the Secret remembers the request that it was
last written for, so that each is carried out once, whoever restarts in between. Sentences are for the customer.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from havuz_contract import project_keys, rotation
from havuz_contract.key_requests import WAITS_SECONDS, KeyRequest
from havuz_contract.rotation import Entries
from havuz_contract.v1alpha1.project import Project, ProjectKey

ASKED_ENTRY = "askedFor"
Secrets = Mapping[tuple[str, str], Entries]


@dataclass(frozen=True, slots=True)
class Refuse:
    """It can't be done."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Finished:
    """It has been done. `key` is the new key in clear, None after a revocation."""

    sentence: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Replace:
    """A new key takes the place of the one in this Secret, which ends at once."""

    key: ProjectKey
    secret_name: str
    prefix: str


@dataclass(frozen=True, slots=True)
class Make:
    """A new key is to be made in a Secret of its own."""

    key: ProjectKey
    secret_name: str
    prefix: str


@dataclass(frozen=True, slots=True)
class Remove:
    """The Secret of a key that the customer made is to be deleted."""

    key: ProjectKey
    secret_name: str


Change = Replace | Make | Remove
Decision = Refuse | Finished | Change


def decide(request: KeyRequest, project: Project | None, secrets: Secrets, now: datetime) -> Decision:
    """What is to be done next. `project` is the one of the request's name, None where there is none."""
    if project is None or project.uid != request.project_uid:
        return Refuse("This project is gone.")
    if now.timestamp() - request.asked_at > WAITS_SECONDS:
        return Refuse("The request waited for a day and was given up; ask once more.")
    own = project_keys.self_made(secrets).get((request.namespace, request.project), ())
    decision = _decide(request, project, own, secrets)
    if isinstance(decision, Refuse | Finished):
        return decision
    return _objection(request, project, own, secrets, to=decision) or decision


def _decide(request: KeyRequest, project: Project, own: Collection[ProjectKey], secrets: Secrets) -> Decision:
    match request.action:
        case "Reset":
            return _reset(request, project, own, secrets)
        case "Create":
            return _create(request, project, own, secrets)
        case "Revoke":
            return _revoke(request, project, own)
        case _:
            return Refuse(f"There is no action {request.action!r}; use Reset, Create or Revoke.")


def _objection(
    request: KeyRequest, project: Project, own: Collection[ProjectKey], secrets: Secrets, *, to: Change
) -> Refuse | None:
    """Why whoever asks may not ask for this: its key is gone, or it would get more than it has; None: it may."""
    asking = next(
        (key for key in project_keys.every_key(project, own) if _id(project, key, secrets) == request.asked_by), None
    )
    if asking is None:
        return Refuse("The key that you signed in with does not work any more; sign in with another one.")
    if asking.mode == "Test" and to.key.mode != "Test":
        return Refuse("A test key can't change or make keys that cost money; sign in with a live one.")
    return None


def _id(project: Project, key: ProjectKey, secrets: Secrets) -> str | None:
    ref = project_keys.secret_of(project, key)
    entries = secrets.get((project.metadata.namespace, ref.name), {})
    digest = project_keys.sha256(entries.get(ref.key, "").strip())
    return project_keys.key_id(digest) if key.secret_ref else rotation.public_id(entries, digest)


def reset_entries(entries: Entries, request: KeyRequest, *, key: str, now: datetime) -> dict[str, str]:
    """The entries of the key's Secret with `key` in the place of the old one, which ends at once."""
    return {**rotation.replaced(entries, key=key, grace="0s", now=now), ASKED_ENTRY: request.id}


def made_entries(request: KeyRequest) -> dict[str, str]:
    """What the Secret of a key that the customer makes holds beside the key."""
    return {project_keys.SELF_MADE_ENTRY: request.project, ASKED_ENTRY: request.id}


def _reset(request: KeyRequest, project: Project, own: Collection[ProjectKey], secrets: Secrets) -> Decision:
    key = _named(request.key, project_keys.every_key(project, own))
    if key is None:
        return Refuse(f"There is no key {request.key!r}.")
    if key.secret_ref is not None:
        return Refuse(f"Key {key.name!r} is kept by whoever gave it to you, and only they can change it; ask them.")
    secret_name = project_keys.secret_of(project, key).name
    entries = secrets.get((request.namespace, secret_name), {})
    if entries.get(ASKED_ENTRY) == request.id:
        return Finished(f"Key {key.name!r} was reset; the one before does not work any more.", _clear(entries))
    if not rotation.is_made(entries):
        return Refuse(f"Key {key.name!r} was not made here, and can't be reset; ask whoever gave it to you.")
    prefix = project_keys.self_made_prefix(project) if key in own else project_keys.prefix(key)
    return Replace(key, secret_name, prefix)


def _create(request: KeyRequest, project: Project, own: Collection[ProjectKey], secrets: Secrets) -> Decision:
    name, most = request.key, project.spec.self_service.max_keys
    if not project_keys.is_name(name):
        return Refuse("The name of a key has 1 to 40 lower case letters, digits and -, and no - at its ends.")
    key = project_keys.self_made_key(name)
    secret_name = project_keys.secret_of(project, key).name
    entries = secrets.get((request.namespace, secret_name))
    if entries is not None and entries.get(ASKED_ENTRY) == request.id:
        return Finished(f"Key {name!r} was made.", _clear(entries))
    if _named(name, project_keys.every_key(project, own)) is not None:
        return Refuse(f"There is a key {name!r} already; choose another name, or reset that key.")
    if entries is not None:
        return Refuse(f"The name {name!r} is taken; choose another one.")
    if len(own) >= most:
        limit = f"You may make {most} keys, and have {len(own)}; revoke one first" if most else "You may make no keys"
        return Refuse(f"{limit}, or ask whoever runs this service.")
    return Make(key, secret_name, project_keys.self_made_prefix(project))


def _revoke(request: KeyRequest, project: Project, own: Collection[ProjectKey]) -> Decision:
    if _named(request.key, project.spec.keys) is not None:
        return Refuse(f"Key {request.key!r} was not made in the dashboard; ask whoever runs this service to remove it.")
    key = _named(request.key, own)
    if key is None:
        return Finished(f"There is no key {request.key!r} any more.")
    return Remove(key, project_keys.secret_of(project, key).name)


def _named(name: str, among: Collection[ProjectKey]) -> ProjectKey | None:
    return next((key for key in among if key.name == name), None)


def _clear(entries: Entries) -> str:
    return entries[project_keys.KEY_ENTRY].strip()
