"""Projects: from a resource and its Secrets to the customer that a gateway recognises by a key's hash."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import inf
from typing import Any

from havuz_contract import project_keys, rotation
from havuz_contract.compiler import billing, checks, credentials, rotations
from havuz_contract.compiler.chain import Finding, examine
from havuz_contract.compiler.credentials import Missing, Secrets
from havuz_contract.compiler.memo import Memo
from havuz_contract.compiler.outcome import ObjectStatus, Outcome
from havuz_contract.snapshot.models import KeyOrigin
from havuz_contract.snapshot.models import Project as ProjectPart
from havuz_contract.snapshot.models import ProjectKey as KeyPart
from havuz_contract.snapshot.models import Review as ReviewPart
from havuz_contract.snapshot.models import Surface as SurfacePart
from havuz_contract.v1alpha1.conditions import Condition, resolved, unresolved
from havuz_contract.v1alpha1.project import Project, ProjectKey

_SHORTEST_KEY = 16
_PROTOCOLS = {"OpenAI": ("openai_chat", "openai_responses"), "Anthropic": ("anthropic",), "Gemini": ("gemini",)}


@dataclass(frozen=True, slots=True)
class ReadProject:
    """A project and the keys read for it, before they are compared with those of other projects.

    `former` are keys that were replaced and still work, under the name of the one in their place. `judged` are the
    conditions beside Resolved. `alone` is what it compiles to when no key is another's and none has expired: the usual
    case, worked out once.
    """

    project: Project
    judged: tuple[Condition, ...]
    keys: tuple[KeyPart, ...]
    former: tuple[KeyPart, ...]
    faults: tuple[Finding, ...]
    part: ProjectPart
    total: int
    claimed: tuple[KeyPart, ...]
    places: tuple[tuple[str, str], ...]
    further: tuple[ProjectKey, ...]
    expires_first: float
    alone: Outcome[ProjectPart] | None = None

    @property
    def served(self) -> bool:
        """Whether the project is accepted."""
        return self.judged[0].status == "True"

    def next_end(self, moment: float) -> float:
        """When the next of its keys ends after `moment` (unix seconds); infinity: none does."""
        if moment < self.expires_first:
            return self.expires_first
        ends = (key.expires_at for key in self.claimed if key.expires_at is not None)
        return min((end for end in ends if end > moment), default=inf)


class KeyOwners:
    """Which key belongs to which project. Projects claim in order of age."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}

    def claim(self, uid: str, keys: Iterable[KeyPart]) -> frozenset[tuple[str, str]]:
        """Take the keys for the project `uid`; returns name and hash of those that are another's, or there twice."""
        refused = []
        for key in keys:
            if key.sha256 in self._owners:
                refused.append((key.name, key.sha256))
            else:
                self._owners[key.sha256] = uid
        return frozenset(refused)


def recalled(project: Project, further: tuple[ProjectKey, ...], secrets: Secrets, memo: Memo) -> ReadProject:
    """What is read of a project with these `further` keys of the customer's; from memory, if it is as it was.

    Nearly all of 10,000 projects are the same objects with the same Secrets as before, which shows at a glance.
    """
    known = memo.objects.get(project.uid)
    if known is not None and known.source is project:
        before: ReadProject = known.result
        if before.further == further and known.inputs == tuple(map(secrets.get, before.places)):
            return before
    places = _places(project, further)
    inputs = (*map(secrets.get, places), *((further,) if further else ()))
    return memo.recall(project, inputs, lambda: _read(project, further, places, secrets))


def _read(
    project: Project, further: tuple[ProjectKey, ...], places: tuple[tuple[str, str], ...], secrets: Secrets
) -> ReadProject:
    """Everything of a project that depends on it and its Secrets alone."""
    all_keys = project_keys.every_key(project, further)
    keys: list[KeyPart] = []
    former: list[KeyPart] = []
    faults: list[Finding] = []
    for key in all_keys:
        found = _read_key(project, key, secrets)
        if isinstance(found, Missing):
            faults.append(Finding(found.reason, f"key {key.name!r}: {found.sentence}"))
        else:
            keys.append(found)
            former += rotations.former_parts(found, _entries(project, key, secrets)) if key.secret_ref is None else ()
    whole = ReadProject(
        project=project,
        judged=(examine(checks.PROJECT, project), *rotations.judged(project, secrets)),
        keys=tuple(keys),
        former=tuple(former),
        faults=tuple(faults),
        part=_part(project, (*keys, *former)),
        total=len(all_keys),
        claimed=(*keys, *former),
        places=places,
        further=further,
        expires_first=min((key.expires_at for key in (*keys, *former) if key.expires_at is not None), default=inf),
    )
    return replace(whole, alone=_outcome(whole, now=-inf))


def _places(project: Project, further: tuple[ProjectKey, ...]) -> tuple[tuple[str, str], ...]:
    """Where the Secrets of all its keys are: namespace and name of each."""
    namespace, name = project.metadata.namespace, project.metadata.name
    all_keys = project_keys.every_key(project, further)
    names = (f"{name}-{key.name}" if key.secret_ref is None else key.secret_ref.name for key in all_keys)
    return tuple((namespace, one) for one in names)


def finish(read_: ReadProject, owners: KeyOwners, moment: float) -> Outcome[ProjectPart]:
    """The project's part and status, once its keys are its own. A key that is another's does not work here.

    A key that was replaced is left out once it has ended; any other is left to the gateway's clock, which can say so.
    `moment` is unix seconds.
    """
    foreign = owners.claim(read_.project.uid, read_.claimed) if read_.served else frozenset()
    if read_.alone is not None and not foreign and moment < read_.expires_first:
        return read_.alone
    keys = tuple(key for key in read_.keys if (key.name, key.sha256) not in foreign)
    former = tuple(key for key in read_.former if (key.name, key.sha256) not in foreign and not _ended(key, moment))
    names = sorted({name for name, _ in foreign})
    own = replace(
        read_,
        keys=keys,
        former=former,
        faults=(*read_.faults, *map(_duplicate, names)),
        part=read_.part.model_copy(update={"keys": (*keys, *former)}),
    )
    return _outcome(own, now=moment)


def _ended(key: KeyPart, now: float) -> bool:
    return key.expires_at is not None and key.expires_at <= now


def _outcome(read_: ReadProject, *, now: float) -> Outcome[ProjectPart]:
    accepted, *others = read_.judged
    total = read_.total
    status = ObjectStatus(
        uid=read_.project.uid,
        conditions=(accepted, _resolution(read_.keys, total, read_.faults, now), *others),
        fields={"keys": _shown(read_.keys, read_.former), "keysReady": f"{len(read_.keys)}/{total}"},
        served=read_.served,
    )
    return Outcome(read_.part if read_.served else None, status)


def _entries(project: Project, key: ProjectKey, secrets: Secrets) -> Mapping[str, str]:
    return secrets.get((project.metadata.namespace, project_keys.secret_of(project, key).name), {})


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
    digest, entries = project_keys.sha256(value), _entries(project, key, secrets)
    return KeyPart(
        id=project_keys.key_id(digest) if key.secret_ref else rotation.public_id(entries, digest),
        name=key.name,
        sha256=digest,
        mode=key.mode,
        masked=project_keys.masked(value),
        created_at=_created(project, entries),
        expires_at=key.expires_at.timestamp() if key.expires_at else None,
        limits=billing.limits(key.limits),
        origin=_origin(project, key),
    )


def _origin(project: Project, key: ProjectKey) -> KeyOrigin:
    if key.secret_ref is not None:
        return "Brought"
    return "Made" if any(one is key for one in project.spec.keys) else "SelfMade"


def _created(project: Project, entries: Mapping[str, str]) -> float:
    """When the key was made, in unix seconds: as its Secret says, else when its project was; 0 where nobody knows."""
    born = project.metadata.creation_timestamp
    return rotation.created_at(entries) or (born.timestamp() if born else 0.0)


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
        most_self_made=spec.self_service.max_keys,
        webhook_versions=spec.webhooks.secret_versions,
    )


def _duplicate(name: str) -> Finding:
    return Finding(
        "DuplicateKey", f"key {name!r} is the same as an older key, and works only there; give it another value"
    )


def _resolution(keys: tuple[KeyPart, ...], total: int, faults: tuple[Finding, ...], now: float) -> Condition:
    if faults:
        return unresolved(faults[0].reason, [fault.sentence for fault in faults])
    expired = [key.name for key in keys if _ended(key, now)]
    if expired:
        return resolved(f"All {total} keys were found; expired: {', '.join(expired)}.")
    return resolved(f"All {total} keys were found." if total else "The project has no keys.")


def _shown(keys: tuple[KeyPart, ...], former: tuple[KeyPart, ...]) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    for key in keys:
        replaced = [{"masked": one.masked, **_times(one)} for one in former if one.name == key.name]
        shown.append(
            {"name": key.name, "id": key.id, "masked": key.masked, **_times(key)}
            | ({"selfMade": True} if key.origin == "SelfMade" else {})
            | ({"former": replaced} if replaced else {})
        )
    return shown


def _times(key: KeyPart) -> dict[str, str]:
    times = {"createdAt": _iso(key.created_at)} if key.created_at else {}
    return times if key.expires_at is None else times | {"expiresAt": _iso(key.expires_at)}


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
