"""What the cluster holds, as far as havuz cares: a typed cache that says when something that matters has changed.

Listings and watch events may arrive in any order; the newer version of an object wins.
"""

import asyncio
import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from havuz_contract.compiler.compile import Resources
from havuz_contract.v1alpha1.meta import KubeObject, ObjectRef
from havuz_contract.v1alpha1.modelroute import ModelRoute
from havuz_contract.v1alpha1.project import Project
from havuz_contract.v1alpha1.registry import KINDS, ManifestError, parse
from havuz_contract.v1alpha1.upstreamkey import UpstreamKey

SECRET, NAMESPACE = "Secret", "Namespace"
WATCHED_KINDS = (*KINDS, SECRET, NAMESPACE)
# Their data is large or none of our business, and no manifest of ours can mean it.
_UNREAD_SECRETS = frozenset(
    {
        "helm.sh/release.v1",
        "kubernetes.io/service-account-token",
        "kubernetes.io/dockercfg",
        "kubernetes.io/dockerconfigjson",
        "bootstrap.kubernetes.io/token",
    }
)

Document = Mapping[str, Any]
Kind = TypeVar("Kind", bound=KubeObject)
Key = TypeVar("Key")
Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class Stored:
    """One of our objects: as the API server gave it, but for its spec, and parsed, or why it can't be parsed."""

    document: Document
    parsed: KubeObject | ManifestError

    @property
    def uid(self) -> str:
        """The object's uid."""
        return str(self.document["metadata"].get("uid", ""))

    @property
    def generation(self) -> int:
        """The version of the spec."""
        return int(self.document["metadata"].get("generation", 0))

    @property
    def status(self) -> Mapping[str, Any]:
        """The status that the API server holds."""
        return self.document.get("status") or {}


class World:
    """The cache. `changed` is set when a change can alter what compiling says; a status of our own making can't."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.objects: dict[ObjectRef, Stored] = {}
        self._handed_out: dict[str, Any] = {}  # by kind, for as long as nothing of it changes
        self._secrets: dict[tuple[str, str], Mapping[str, str]] = {}
        self._secret_labels: dict[tuple[str, str], Mapping[str, str]] = {}
        self._namespaces: dict[str, Mapping[str, str]] = {}
        self._versions: dict[ObjectRef, int] = {}

    def resources(self) -> Resources:
        """Every object that can be read, with the labels of the namespaces: a copy, the very same until one changes."""
        return Resources(
            upstream_keys=self._readable(UpstreamKey),
            model_routes=self._readable(ModelRoute),
            projects=self._readable(Project),
            namespaces=self._copy(NAMESPACE, self._namespaces),
        )

    def secrets(self) -> dict[tuple[str, str], Mapping[str, str]]:
        """Entries of every Secret by (namespace, name), as text: a copy, the very same until one changes.

        Entries that are no text are left out.
        """
        return self._copy(SECRET, self._secrets)

    def _readable(self, kind: type[Kind]) -> tuple[Kind, ...]:
        name = kind.__name__
        if name not in self._handed_out:
            parsed = (stored.parsed for stored in self.objects.values())
            self._handed_out[name] = tuple(one for one in parsed if isinstance(one, kind))
        found: tuple[Kind, ...] = self._handed_out[name]
        return found

    def _copy(self, kind: str, entries: Mapping[Key, Entry]) -> dict[Key, Entry]:
        if kind not in self._handed_out:
            self._handed_out[kind] = dict(entries)
        copy: dict[Key, Entry] = self._handed_out[kind]
        return copy

    def _touch(self, kind: str) -> None:
        self._handed_out.pop(kind, None)
        self.changed.set()

    def secret_version(self, namespace: str, name: str, *, labels: Mapping[str, str]) -> int | None:
        """The version of a Secret as it is known here, where it carries these labels; None: it does not, or is gone."""
        carried = self._secret_labels.get((namespace, name), {})
        return self._versions.get(ObjectRef(SECRET, namespace, name)) if labels.items() <= carried.items() else None

    def put(self, document: Document) -> None:
        """Take in an object as it is now. An older version than the one known is ignored."""
        ref, version = _ref(document), _version(document)
        if version <= self._versions.get(ref, -1):
            return
        self._versions[ref] = version
        if self._store(ref, document):
            self._touch(ref.kind)

    def drop(self, document: Document) -> None:
        """Take out an object that has been deleted, unless a newer one of its name is there."""
        ref = _ref(document)
        if self._versions.get(ref, -1) <= _version(document):
            self._remove(ref)

    def replace(self, kind: str, documents: Sequence[Document], *, version: int, namespace: str | None = None) -> None:
        """Take in a full listing of a kind (of one namespace), made at `version`: what it lacks is gone."""
        listed = {_ref(document) for document in documents}
        for document in documents:
            self.put(document)
        for ref, known in list(self._versions.items()):
            within = ref.kind == kind and namespace in (None, ref.namespace)
            if within and ref not in listed and known <= version:
                self._remove(ref)

    def _store(self, ref: ObjectRef, document: Document) -> bool:
        """Keep the object; says whether anything that matters is new."""
        match ref.kind:
            case "Secret":
                known, fresh = self._secrets.get((ref.namespace, ref.name)), _entries(document)
                before, labels = self._secret_labels.get((ref.namespace, ref.name)), _labels(document)
                self._secrets[ref.namespace, ref.name] = fresh
                self._secret_labels[ref.namespace, ref.name] = labels
                return known != fresh or before != labels
            case "Namespace":
                labels = _labels(document)
                known, self._namespaces[ref.name] = self._namespaces.get(ref.name), labels
                return known != labels
            case _:
                return self._store_object(ref, document)

    def _store_object(self, ref: ObjectRef, document: Document) -> bool:
        known, kept = self.objects.get(ref), _kept(document)
        if known is not None and _meaning(known.document) == _meaning(kept):
            self.objects[ref] = Stored(kept, known.parsed)
            return False
        self.objects[ref] = Stored(kept, _read(document))
        return True

    def _remove(self, ref: ObjectRef) -> None:
        if self._versions.pop(ref, None) is None:
            return
        self.objects.pop(ref, None)
        match ref.kind:
            case "Secret":
                self._secrets.pop((ref.namespace, ref.name), None)
                self._secret_labels.pop((ref.namespace, ref.name), None)
            case "Namespace":
                self._namespaces.pop(ref.name, None)
            case _:
                pass
        self._touch(ref.kind)


def _ref(document: Document) -> ObjectRef:
    metadata = document["metadata"]
    return ObjectRef(str(document["kind"]), str(metadata.get("namespace", "")), str(metadata["name"]))


def _labels(document: Document) -> Mapping[str, str]:
    return dict(document["metadata"].get("labels") or {})


def _version(document: Document) -> int:
    return int(document["metadata"].get("resourceVersion") or 0)


def _meaning(document: Document) -> tuple[object, ...]:
    """All of an object that compiling looks at. The generation stands for the spec: the API server counts it up."""
    metadata = document["metadata"]
    parts = ("uid", "generation", "labels", "annotations", "deletionTimestamp")
    return (document.get("apiVersion"), *(metadata.get(part) for part in parts))


def _kept(document: Document) -> Document:
    """What is kept of a document beside what was parsed: neither its spec nor who wrote what of it."""
    metadata = {name: value for name, value in document["metadata"].items() if name != "managedFields"}
    return {name: value for name, value in document.items() if name != "spec"} | {"metadata": metadata}


def _read(document: Document) -> KubeObject | ManifestError:
    try:
        return parse(document)
    except ManifestError as error:
        return error


def _entries(document: Document) -> Mapping[str, str]:
    if document.get("type") in _UNREAD_SECRETS:
        return {}
    entries: dict[str, str] = {}
    for name, encoded in (document.get("data") or {}).items():
        try:
            entries[name] = base64.b64decode(encoded or "").decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
    return entries
