"""Remembering what was compiled, so that one change among 10,000 objects costs one object's work.

Two memories: of each object, and of whole stages, which spare even the look at each where none of a kind changed.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from havuz_contract.v1alpha1.meta import KubeObject

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Remembered:
    """What an object compiled to, and all that the result depends on."""

    source: KubeObject
    inputs: tuple[object, ...]
    result: Any


@dataclass(slots=True)
class Memo:
    """What the last compile made, kept by the caller between two: `objects` by uid, `stages` by name, and by both what
    was `judged` in the light of other kinds.
    """

    objects: dict[str, Remembered] = field(default_factory=dict)
    stages: dict[str, tuple[tuple[object, ...], Any]] = field(default_factory=dict)
    judged: dict[str, dict[str, Any]] = field(default_factory=dict)
    alone: dict[str, tuple[KubeObject, Any]] = field(default_factory=dict)

    def stage(self, name: str, inputs: tuple[object, ...], build: Callable[[], Result]) -> Result:
        """The result remembered for these inputs, else what `build` returns.

        Inputs are compared as tuples are: what is the very same object is not looked into.
        """
        known = self.stages.get(name)
        if known is not None and known[0] == inputs:
            return cast("Result", known[1])
        result = build()
        self.stages[name] = (inputs, result)
        return result

    def recall(
        self, source: KubeObject, inputs: tuple[object, ...], build: Callable[[], Result], *, name: str = ""
    ) -> Result:
        """The result remembered for this version of the object and these inputs, else what `build` returns.

        It is remembered under the object's uid, or under `name`.
        """
        known = self.objects.get(name or source.uid)
        if known is not None and known.inputs == inputs and _same_version(known.source, source):
            return cast("Result", known.result)
        result = build()
        self.objects[name or source.uid] = Remembered(source, inputs, result)
        return result

    def forget(self, *, but: Collection[str]) -> None:
        """Drop everything but the objects with these names."""
        kept = set(but)
        for name in self.objects.keys() - kept:
            del self.objects[name]
        for uid in self.alone.keys() - kept:
            del self.alone[uid]

    def of_itself(self, source: KubeObject, find: Callable[[], Result]) -> Result:
        """What `find` says of this very object, which depends on nothing else."""
        known = self.alone.get(source.uid)
        if known is None or known[0] is not source:
            known = self.alone[source.uid] = (source, find())
        found: Result = known[1]
        return found


def _same_version(known: KubeObject, source: KubeObject) -> bool:
    if known is source:
        return True
    version = source.metadata.resource_version
    return version != "" and version == known.metadata.resource_version and known.kind == source.kind
