"""Projects: from a resource and its Secrets to the customer that a gateway recognises by a key's hash."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import inf

from havuz_contract import project_keys
from havuz_contract.compiler import billing, checks, credentials
from havuz_contract.compiler.chain import Finding, examine
from havuz_contract.compiler.credentials import Missing, Secrets
from havuz_contract.compiler.outcome import ObjectStatus, Outcome
from havuz_contract.snapshot.models import Project as ProjectPart
from havuz_contract.snapshot.models import ProjectKey as KeyPart
from havuz_contract.snapshot.models import Review as ReviewPart
from havuz_contract.snapshot.models import Surface as SurfacePart
from havuz_contract.v1alpha1.conditions import Condition, resolved, unresolved
from havuz_contract.v1alpha1.project import Project, ProjectKey

_SHORTEST_KEY = 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEARS = range(1971, 9000)  # within these, no time zone leads out of what a timestamp can say
_PROTOCOLS = {"OpenAI": ("openai_chat", "openai_responses"), "Anthropic": ("anthropic",), "Gemini": ("gemini",)}


@dataclass(frozen=True, slots=True)
class ReadProject:
    """A project and the keys read for it, before they are compared with those of other projects.

    `alone` is what it compiles to when no key is another's and none has expired: the usual case, worked out once.
    """

    project: Project
    accepted: Condition
    keys: tuple[KeyPart, ...]
    faults: tuple[Finding, ...]
    part: ProjectPart
    alone: Outcome[ProjectPart]
    expires_first: float


class KeyOwners:
    """Which key belongs to which project. Projects claim in order of age."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}

    def claim(self, uid: str, keys: Iterable[KeyPart]) -> frozenset[str]:
        """Take the keys for the project `uid`; returns the names of those that are another's, or the same twice."""
        refused = []
        for key in keys:
            if key.sha256 in self._owners:
                refused.append(key.name)
            else:
                self._owners[key.sha256] = uid
        return frozenset(refused)


def read(project: Project, secrets: Secrets) -> ReadProject:
    """Everything of a project that depends on it and its Secrets alone."""
    keys: list[KeyPart] = []
    faults: list[Finding] = []
    for key in project.spec.keys:
        found = _read_key(project, key, secrets)
        if isinstance(found, Missing):
            faults.append(Finding(found.reason, f"key {key.name!r}: {found.sentence}"))
        else:
            keys.append(found)
    accepted, ready, missing = examine(checks.PROJECT, project), tuple(keys), tuple(faults)
    part = _part(project, ready)
    return ReadProject(
        project=project,
        accepted=accepted,
        keys=ready,
        faults=missing,
        part=part,
        alone=_outcome(project, accepted, part, faults=missing, now=-inf),
        expires_first=min((key.expires_at for key in ready if key.expires_at is not None), default=inf),
    )


def secret_inputs(project: Project, secrets: Secrets) -> tuple[object, ...]:
    """All that `read` takes from the secrets, to tell whether its result would be another."""
    namespace = project.metadata.namespace
    inputs: list[object] = []
    for key in project.spec.keys:
        ref = key.secret_ref
        name, entry = (ref.name, ref.key) if ref else (f"{project.metadata.name}-{key.name}", project_keys.KEY_ENTRY)
        found = secrets.get((namespace, name))
        inputs.append(found and (found.get(entry), found.get(project_keys.CREATED_ENTRY)))
    return tuple(inputs)


def finish(read_: ReadProject, owners: KeyOwners, now: datetime) -> Outcome[ProjectPart]:
    """The project's part and status, once its keys are its own. A key that is another's does not work here."""
    served = read_.accepted.status == "True"
    foreign = owners.claim(read_.project.uid, read_.keys) if served else frozenset()
    if not foreign and now.timestamp() < read_.expires_first:
        return read_.alone
    part, faults = read_.part, read_.faults
    if foreign:
        part = part.model_copy(update={"keys": tuple(key for key in read_.keys if key.name not in foreign)})
        faults = (*faults, *(_duplicate(name) for name in sorted(foreign)))
    return _outcome(read_.project, read_.accepted, part, faults=faults, now=now.timestamp())


def _outcome(
    project: Project, accepted: Condition, part: ProjectPart, *, faults: tuple[Finding, ...], now: float
) -> Outcome[ProjectPart]:
    served = accepted.status == "True"
    total = len(project.spec.keys)
    status = ObjectStatus(
        uid=project.uid,
        conditions=(accepted, _resolution(part.keys, total, faults, now)),
        fields={"keys": [_shown(key) for key in part.keys], "keysReady": f"{len(part.keys)}/{total}"},
        served=served,
    )
    return Outcome(part if served else None, status)


def _read_key(project: Project, key: ProjectKey, secrets: Secrets) -> KeyPart | Missing:
    ref = project_keys.secret_of(project, key)
    value = credentials.find_token(secrets, project.metadata.namespace, ref)
    if isinstance(value, Missing):
        if key.secret_ref is None and value.reason == "SecretNotFound":
            return replace(value, reason="KeyPending", sentence=f"{value.sentence}, or wait until havuz has made it")
        return value
    if len(value) < _SHORTEST_KEY:
        sentence = (
            f"entry {ref.key!r} of Secret {ref.name!r} is shorter than {_SHORTEST_KEY} characters; use a longer key"
        )
        return Missing("InvalidSecret", sentence)
    digest = project_keys.sha256(value)
    return KeyPart(
        id=project_keys.key_id(digest),
        name=key.name,
        sha256=digest,
        mode=key.mode,
        masked=project_keys.masked(value),
        created_at=_created(project, secrets.get((project.metadata.namespace, ref.name), {})),
        expires_at=key.expires_at.timestamp() if key.expires_at else None,
        limits=billing.limits(key.limits),
    )


def _created(project: Project, entries: Mapping[str, str]) -> float:
    """When the key was made, in unix seconds: as its Secret says, else when its project was; 0 where nobody knows."""
    try:
        moment = datetime.fromisoformat(entries[project_keys.CREATED_ENTRY])
    except (KeyError, ValueError):
        moment = project.metadata.creation_timestamp or _EPOCH
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() if moment.year in _YEARS else 0.0


def _part(project: Project, keys: tuple[KeyPart, ...]) -> ProjectPart:
    spec = project.spec
    protocols = tuple(wire for name in spec.surface.protocols for wire in _PROTOCOLS[name])
    return ProjectPart(
        uid=project.uid,
        name=f"{project.metadata.namespace}/{project.metadata.name}",
        display_name=spec.display_name,
        group=project.metadata.namespace,
        keys=keys,
        allow=spec.models.allow,
        deny=spec.models.deny,
        review=ReviewPart(until=spec.review.until.timestamp(), models=spec.review.models) if spec.review else None,
        surface=SurfacePart(hosts=spec.surface.hosts, protocols=protocols),
        billing=billing.billing(spec.billing),
        limits=billing.limits(spec.limits),
        suspended=spec.suspended,
        webhook_versions=spec.webhooks.secret_versions,
    )


def _duplicate(name: str) -> Finding:
    return Finding(
        "DuplicateKey", f"key {name!r} is the same as an older key, and works only there; give it another value"
    )


def _resolution(keys: tuple[KeyPart, ...], total: int, faults: tuple[Finding, ...], now: float) -> Condition:
    if faults:
        return unresolved(faults[0].reason, [fault.sentence for fault in faults])
    expired = [key.name for key in keys if key.expires_at is not None and key.expires_at <= now]
    if expired:
        return resolved(f"All {total} keys were found; expired: {', '.join(expired)}.")
    return resolved(f"All {total} keys were found." if total else "The project has no keys.")


def _shown(key: KeyPart) -> dict[str, str]:
    shown = {"name": key.name, "id": key.id, "masked": key.masked}
    if key.created_at:
        shown["createdAt"] = _iso(key.created_at)
    if key.expires_at is not None:
        shown["expiresAt"] = _iso(key.expires_at)
    return shown


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
