"""Secrets of local mode: what manifests leave empty is taken from the environment, project keys are made and kept."""

import json
from collections.abc import Callable, Container, Mapping
from datetime import datetime

from havuz_contract import project_keys
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

    def values(self) -> frozenset[str]:
        """Every project key that was made so far, in clear."""
        return frozenset(value for data in self._made.values() for value in data.values())

    def complete(self, reading: Reading, secrets: Secrets, now: datetime) -> Secrets:
        """The Secrets with those of every key that havuz is to make; new ones are kept before they are used."""
        complete = dict(secrets)
        made_one = False
        for project in reading.objects.values():
            if not isinstance(project, Project):
                continue
            for missing in project_keys.missing_keys(project, secrets):
                name = f"{project.metadata.namespace}/{missing.secret_name}"
                if name not in self._made:
                    key = project_keys.make_key(
                        project_keys.prefix(missing.key), self._random(project_keys.RANDOM_BYTES)
                    )
                    self._made[name] = dict(project_keys.secret_data(key, now))
                    made_one = True
                complete[project.metadata.namespace, missing.secret_name] = self._made[name]
        if made_one:
            self._state.write(_KEYS_FILE, json.dumps(self._made, indent=2) + "\n")
        return complete


def clear_key(project: Project, key: ProjectKey, secrets: Mapping[SecretName, Mapping[str, str]]) -> str:
    """A project key in clear, or nothing where its Secret is missing."""
    ref = project_keys.secret_of(project, key)
    return secrets.get((project.metadata.namespace, ref.name), {}).get(ref.key, "").strip()
