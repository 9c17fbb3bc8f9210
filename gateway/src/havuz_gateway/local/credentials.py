"""Secrets of local mode: what manifests leave empty is taken from the environment, project keys are made and kept."""

import json
from collections.abc import Callable, Container, Mapping
from datetime import datetime

from havuz_contract import project_keys, rotation
from havuz_contract.project_keys import MissingKey
from havuz_contract.rotation import Rotation
from havuz_contract.v1alpha1.project import Project, ProjectKey
from havuz_contract.v1alpha1.upstreamkey import UpstreamKey
from havuz_gateway.local.errors import LocalError
from havuz_gateway.local.manifests import Reading, SecretName
from havuz_gateway.local.state import StateFolder

_KEYS_FILE = "project-keys.json"
Secrets = dict[SecretName, Mapping[str, str]]


def with_environment(reading: Reading, environment: Mapping[str, str], *, ours: Container[str]) -> Secrets:
    """The Secrets, where an entry that an UpstreamKey needs and that has no value is the variable of the same name.

    A variable that holds one of `ours`, the project keys, is none of a provider's: the shell has read `.havuz/env`.
    """
    secrets: Secrets = dict(reading.secrets)
    for key in reading.objects.values():
        if not isinstance(key, UpstreamKey) or key.spec.secret_ref is None:
            continue
        ref = key.spec.secret_ref
        place = key.metadata.namespace, ref.name
        value = environment.get(ref.key, "").strip()
        if value and value not in ours and not secrets.get(place, {}).get(ref.key, "").strip():
            secrets[place] = {**secrets.get(place, {}), ref.key: value}
    return secrets


class MadeKeys:
    """Project keys that havuz made, kept from run to run. `random` gives that many random bytes."""

    def __init__(self, state: StateFolder, *, random: Callable[[int], bytes]) -> None:
        self._state = state
        self._random = random
        try:
            self._made: dict[str, dict[str, str]] = json.loads(state.read(_KEYS_FILE) or "{}")
        except ValueError:
            raise LocalError(
                f"{str(state.path / _KEYS_FILE)!r} is damaged: restore it, or delete it to have new project keys made"
            ) from None

    def __contains__(self, value: object) -> bool:
        """Whether this text is a project key that was made, or one that was replaced and still known."""
        if not isinstance(value, str):
            return False
        digest = project_keys.sha256(value)
        return any(
            entries.get(project_keys.KEY_ENTRY) == value
            or any(one.sha256 == digest for one in rotation.former_keys(entries))
            for entries in self._made.values()
        )

    def complete(self, reading: Reading, secrets: Secrets, now: datetime) -> Secrets:
        """The Secrets with those of every key that havuz makes, made or rotated; new ones are kept before use."""
        before, complete = dict(self._made), dict(secrets)
        for project in reading.objects.values():
            if not isinstance(project, Project):
                continue
            for missing in project_keys.missing_keys(project, secrets):
                place = project.metadata.namespace, missing.secret_name
                if "/".join(place) not in self._made:
                    self._made["/".join(place)] = self._make(project, missing, now)
                complete[place] = self._made["/".join(place)]
            for asked in rotation.due(project, complete):
                place = project.metadata.namespace, asked.secret_name
                if place not in secrets:
                    complete[place] = self._made["/".join(place)] = self._rotate(project, asked, complete[place], now)
        for text, entries in self._made.items():
            namespace, _, name = text.partition("/")
            if project_keys.SELF_MADE_ENTRY in entries and (namespace, name) not in secrets:
                complete[namespace, name] = entries
        if self._made != before:
            self._keep()
        return complete

    def put(self, place: SecretName, entries: Mapping[str, str]) -> None:
        """Keep the Secret of a key that was made, or its new entries."""
        self._made["/".join(place)] = dict(entries)
        self._keep()

    def remove(self, place: SecretName) -> None:
        """Forget the Secret of a key."""
        self._made.pop("/".join(place), None)
        self._keep()

    def new_key(self, prefix: str) -> str:
        """A key that nobody has."""
        return project_keys.make_key(prefix, self._random(project_keys.RANDOM_BYTES))

    def _keep(self) -> None:
        self._state.write(_KEYS_FILE, json.dumps(self._made, indent=2) + "\n")

    def _make(self, project: Project, missing: MissingKey, now: datetime) -> dict[str, str]:
        beside = rotation.first_entries(project, missing.key)
        return {**project_keys.secret_data(self.new_key(project_keys.prefix(missing.key)), now), **beside}

    def _rotate(self, project: Project, asked: Rotation, entries: Mapping[str, str], now: datetime) -> dict[str, str]:
        grace = project.spec.rotation_grace
        fresh = self.new_key(project_keys.prefix(asked.key))
        return {**entries, **rotation.rotated(entries, asked, key=fresh, grace=grace, now=now)}


def clear_key(project: Project, key: ProjectKey, secrets: Mapping[SecretName, Mapping[str, str]]) -> str:
    """A project key in clear, or nothing where its Secret is missing."""
    ref = project_keys.secret_of(project, key)
    return secrets.get((project.metadata.namespace, ref.name), {}).get(ref.key, "").strip()
