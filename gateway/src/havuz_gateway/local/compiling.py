"""From the folder to a snapshot: the same compiler as the operator's, and its objections as lines for a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from havuz_contract.compiler.compile import Compiled, Memo, compile, resources_of  # noqa: A004
from havuz_contract.snapshot.models import Snapshot
from havuz_gateway.local.credentials import MadeKeys, Secrets, with_environment
from havuz_gateway.local.manifests import ManifestFolder, Reading


@dataclass(frozen=True, slots=True)
class Outcome:
    """One compile of the folder. `complaints` name what is not served as it is written, and why."""

    reading: Reading
    secrets: Secrets
    snapshot: Snapshot
    complaints: tuple[str, ...]


class Compiling:
    """Compiles the folder again and again, remembering what did not change."""

    def __init__(self, folder: ManifestFolder, made_keys: MadeKeys, *, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._made_keys = made_keys
        self._environment = environment
        self._memo = Memo()

    def compile(self, now: datetime) -> Outcome:
        """The folder as it is now. Raises `OSError` when it can't be read."""
        reading = self._folder.read()
        secrets = self._made_keys.complete(
            reading, with_environment(reading, self._environment, ours=self._made_keys), now
        )
        resources = resources_of(reading.objects.values(), reading.namespaces)
        compiled = compile(resources, secrets, now, memo=self._memo)
        return Outcome(
            reading=reading,
            secrets=secrets,
            snapshot=compiled.snapshot,
            complaints=(
                *map(str, reading.problems),
                *_obstacles(compiled),
                *_shortcomings(compiled),
                *_ignored(reading),
            ),
        )


def _obstacles(compiled: Compiled) -> list[str]:
    """Why objects that were read are not served."""
    obstacles = ((ref, status.obstacle) for ref, status in sorted(compiled.statuses.items()))
    return [
        f"{ref}: {one.type} is {one.status}, {one.reason}: {one.message}" for ref, one in obstacles if one is not None
    ]


def _shortcomings(compiled: Compiled) -> list[str]:
    """What is served, but lacks something: a price for somebody who pays, or a rotation that was asked for."""
    return [
        f"{ref}: {condition.reason}: {condition.message}"
        for ref, status in sorted(compiled.statuses.items())
        for condition in status.conditions
        if status.served and condition.type in ("Priced", "Rotated") and condition.status == "False"
    ]


def _ignored(reading: Reading) -> list[str]:
    return [f"{one} is ignored: local mode has no use for its kind" for one in reading.ignored]
