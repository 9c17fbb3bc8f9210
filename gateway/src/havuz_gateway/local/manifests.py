"""A folder of manifests, read as `kubectl apply -f` would; what is wrong is named and what was good before stays."""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import yaml

from havuz_contract.v1alpha1 import registry
from havuz_contract.v1alpha1.meta import KubeObject, ObjectRef
from havuz_contract.v1alpha1.registry import ManifestError

_SUFFIXES = (".yaml", ".yml", ".json")
_BORN = "2026-01-01T00:00:00Z"  # objects in a folder have no age; any fixed moment keeps their order stable

SecretName = tuple[str, str]  # namespace, name


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong: in which file, with which object (empty: the file as a whole), and how."""

    file: str
    object: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}: {self.object}: {self.sentence}" if self.object else f"{self.file}: {self.sentence}"


@dataclass(slots=True)
class _File:
    """What one file gave."""

    objects: dict[ObjectRef, KubeObject] = field(default_factory=dict)
    secrets: dict[SecretName, dict[str, str]] = field(default_factory=dict)
    namespaces: dict[str, dict[str, str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reading:
    """All files together. `ignored` lists objects of kinds that local mode has no use for, as `kind name (file)`."""

    objects: Mapping[ObjectRef, KubeObject]
    secrets: Mapping[SecretName, Mapping[str, str]]
    namespaces: Mapping[str, Mapping[str, str]]
    problems: tuple[Problem, ...]
    ignored: tuple[str, ...]


class ManifestFolder:
    """Reads the folder again and again. A file with a problem still gives what it gave before and does not give now."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._good: dict[str, _File] = {}

    def read(self) -> Reading:
        """The folder as it is now. Raises `OSError` when it can't be listed."""
        files: dict[str, _File] = {}
        for path in sorted(self._path.iterdir()):
            if path.suffix in _SUFFIXES and path.is_file():
                files[path.name] = self._read_file(path)
        reading = _together(files)
        self._good = files
        return reading

    def _read_file(self, path: Path) -> _File:
        before = self._good.get(path.name, _File())
        found = _File()
        try:
            for document in _documents(path):
                _take(document, path.name, before, found)
        except (yaml.YAMLError, UnicodeDecodeError, OSError, RecursionError) as error:
            found.problems.append(Problem(path.name, "", f"can't be read as YAML: {_one_line(error)}"))
        if found.problems:
            found.objects = before.objects | found.objects
            found.secrets = before.secrets | found.secrets
            found.namespaces = before.namespaces | found.namespaces
        return found


def _documents(path: Path) -> Iterator[Any]:
    for document in yaml.safe_load_all(path.read_text()):
        if isinstance(document, dict) and document.get("kind") == "List" and isinstance(document.get("items"), list):
            yield from document["items"]
        elif document is not None:
            yield document


def _take(document: Any, file: str, before: _File, found: _File) -> None:
    """Sort one document into `found`."""
    if not isinstance(document, dict):
        found.problems.append(Problem(file, "", f"holds a document that is no object but {type(document).__name__}"))
        return
    kind, name, namespace = _identity(document)
    if registry.is_ours(document):
        _take_object(document, file, before, found)
    elif kind == "Secret" and name:
        try:
            found.secrets[namespace, name] = _entries(document)
        except ValueError as error:
            found.problems.append(Problem(file, f"Secret {name!r}", str(error)))
    elif kind == "Namespace" and name:
        found.namespaces[name] = _labels(document)
    else:
        found.ignored.append(f"{kind or 'object'} {name!r} ({file})")


def _take_object(document: dict[str, Any], file: str, before: _File, found: _File) -> None:
    try:
        parsed = registry.parse(_as_stored(document))
    except ManifestError as error:
        found.problems += [Problem(file, error.object, str(problem)) for problem in error.problems]
        return
    former = before.objects.get(parsed.ref)
    refused = registry.refused_changes(former, parsed) if former is not None else []
    if refused:
        found.problems += [Problem(file, str(parsed.ref), str(problem)) for problem in refused]
    elif parsed.ref in found.objects:
        found.problems.append(Problem(file, str(parsed.ref), "is there twice; the first one counts"))
    else:
        unchanged = former is not None and former.metadata.resource_version == parsed.metadata.resource_version
        found.objects[parsed.ref] = former if former is not None and unchanged else parsed


def _as_stored(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the metadata that an API server would have added."""
    metadata = document.get("metadata")
    if not isinstance(metadata, dict):
        return document
    kind, name, namespace = _identity(document)
    content = json.dumps(document, sort_keys=True, default=str).encode()
    stored = {
        "creationTimestamp": _BORN,
        "uid": str(uuid5(NAMESPACE_URL, f"havuz.dev/{kind}/{namespace}/{name}")),
        "resourceVersion": hashlib.sha256(content).hexdigest()[:16],
    }
    return {**document, "metadata": {**metadata, **stored}}


def _together(files: Mapping[str, _File]) -> Reading:
    objects: dict[ObjectRef, KubeObject] = {}
    origin: dict[ObjectRef, str] = {}
    problems: list[Problem] = []
    secrets: dict[SecretName, Mapping[str, str]] = {}
    namespaces: dict[str, Mapping[str, str]] = {}
    for name, file in files.items():
        for ref, one in file.objects.items():
            if ref in objects:
                problems.append(Problem(name, str(ref), f"is also in {origin[ref]}, which counts"))
                continue
            objects[ref], origin[ref] = one, name
        problems += file.problems
        secrets |= file.secrets
        namespaces |= file.namespaces
    for ref in objects:
        labels = namespaces.get(ref.namespace, {})
        namespaces[ref.namespace] = {**labels, "kubernetes.io/metadata.name": ref.namespace}
    ignored = tuple(one for file in files.values() for one in file.ignored)
    return Reading(objects, secrets, namespaces, tuple(problems), ignored)


def _identity(document: Mapping[str, Any]) -> tuple[str, str, str]:
    metadata = document.get("metadata")
    known: Mapping[str, Any] = metadata if isinstance(metadata, dict) else {}
    return str(document.get("kind") or ""), str(known.get("name") or ""), str(known.get("namespace") or "default")


def _entries(document: Mapping[str, Any]) -> dict[str, str]:
    """The decoded entries of a Secret. Raises `ValueError` with a sentence that shows no value."""
    entries: dict[str, str] = {}
    for name, value in (document.get("data") or {}).items():
        try:
            entries[str(name)] = base64.b64decode(str(value or ""), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise ValueError(f"data.{name} is not base64 of text; plain text belongs into stringData") from None
    for name, value in (document.get("stringData") or {}).items():
        entries[str(name)] = "" if value is None else str(value)
    return entries


def _labels(document: Mapping[str, Any]) -> dict[str, str]:
    labels = (document.get("metadata") or {}).get("labels") or {}
    return {str(name): str(value) for name, value in labels.items()}


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
