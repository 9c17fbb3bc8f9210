"""Remembering what an object compiled to, so that one change among 10,000 objects costs one object's work.

The memo is an ordinary dictionary that the caller keeps between two compiles; it holds what the last one needed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from havuz_contract.v1alpha1.meta import KubeObject

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Remembered:
    """What an object compiled to, and all that the result depends on."""

    source: KubeObject
    inputs: tuple[object, ...]
    result: Any


Memo = dict[str, Remembered]


def recall(
    memo: Memo, source: KubeObject, inputs: tuple[object, ...], build: Callable[[], Result], *, name: str = ""
) -> Result:
    """The result remembered for this version of the object and these inputs, else what `build` returns.

    It is remembered under the object's uid, or under `name`.
    """
    known = memo.get(name or source.uid)
    if known is not None and known.inputs == inputs and _same_version(known.source, source):
        return cast("Result", known.result)
    result = build()
    memo[name or source.uid] = Remembered(source, inputs, result)
    return result


def forget(memo: Memo, *, but: Iterable[str]) -> None:
    """Drop everything but the objects with these uids."""
    kept = set(but)
    for uid in memo.keys() - kept:
        del memo[uid]


def _same_version(known: KubeObject, source: KubeObject) -> bool:
    if known is source:
        return True
    version = source.metadata.resource_version
    return version != "" and version == known.metadata.resource_version and known.kind == source.kind
