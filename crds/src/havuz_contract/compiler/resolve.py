"""Selectors: which keys a target means, and which namespaces a route is shown to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from havuz_contract.globs import matches_any
from havuz_contract.v1alpha1.modelroute import Exposure, KeySelector
from havuz_contract.v1alpha1.shared import LabelSelector
from havuz_contract.v1alpha1.upstreamkey import UpstreamKey

_SHOWN = 3  # a sentence names no more than so many keys


@dataclass(frozen=True, slots=True)
class PooledKey:
    """An UpstreamKey, and why it is out of the pool (None: it is in).

    A stand-in has no secret and answers from the mock provider meanwhile.
    """

    key: UpstreamKey
    absence: str | None = None
    stand_in: bool = False


class KeyPool:
    """The UpstreamKeys of one namespace, oldest first, found by name and label without a look at each.

    Equal to nothing but itself: what was worked out with the same pool need not be worked out again.
    """

    def __init__(self, keys: Sequence[PooledKey]) -> None:
        self.keys = tuple(keys)
        self._by_name = {pooled.key.metadata.name: pooled for pooled in self.keys}
        self._by_label: dict[tuple[str, str], list[PooledKey]] = {}
        for pooled in self.keys:
            for label in pooled.key.metadata.labels.items():
                self._by_label.setdefault(label, []).append(pooled)

    def meant(self, selector: KeySelector) -> Sequence[PooledKey]:
        """The keys that a selector means, oldest first."""
        if selector.names is not None:
            names = frozenset(selector.names)
            found = [self._by_name[name] for name in names if name in self._by_name]
            return sorted(found, key=lambda pooled: pooled.key.age_order)
        by_label = LabelSelector(match_labels=selector.match_labels, match_expressions=selector.match_expressions)
        labels = (selector.match_labels or {}).items()
        fewest = min((self._by_label.get(label, ()) for label in labels), key=len, default=self.keys)
        return [pooled for pooled in fewest if by_label.matches(pooled.key.metadata.labels)]


@dataclass(frozen=True, slots=True)
class Selection:
    """The uids of the keys that can serve a target, oldest first, and what is wrong when there are none.

    `stand_ins` says that all of them are stand-ins: one never stands beside a real key, or clients of a pool
    that works would now and then be given a mock answer.
    """

    uids: tuple[str, ...]
    fault: str | None = None
    stand_ins: bool = False


def select(selector: KeySelector, namespace: str, pool: KeyPool, model: str) -> Selection:
    """The keys of `pool` (that of the route's `namespace`) that `selector` means and that may serve `model`."""
    meant = pool.meant(selector)
    if not meant:
        return Selection((), f"{_describe(selector)} selects no UpstreamKey in namespace {namespace!r}")
    present = [pooled for pooled in meant if pooled.absence is None]
    if not present:
        absences = ", ".join(f"{pooled.key.metadata.name!r} {pooled.absence}" for pooled in meant[:_SHOWN])
        more = ", …" if len(meant) > _SHOWN else ""
        return Selection((), f"no UpstreamKey that {_describe(selector)} selects is in the pool: {absences}{more}")
    able = [pooled for pooled in present if matches_any(pooled.key.spec.models, model)]
    if not able:
        return Selection((), f"no UpstreamKey that {_describe(selector)} selects may serve model {model!r}")
    real = [pooled for pooled in able if not pooled.stand_in]
    return Selection(tuple(pooled.key.uid for pooled in real or able), stand_ins=not real)


def without_stand_ins(selections: Sequence[Selection]) -> list[Selection]:
    """The selections of all targets of one route; where some have real keys, those of stand-ins alone are emptied."""
    if all(selection.stand_ins or not selection.uids for selection in selections):
        return list(selections)
    fault = "its keys have no secret yet, and a mock answer never stands in beside a real provider"
    return [Selection((), fault) if selection.stand_ins else selection for selection in selections]


def groups(exposure: Exposure, namespace: str, namespaces: Mapping[str, Mapping[str, str]]) -> tuple[str, ...] | None:
    """The namespaces whose projects see a route of `namespace`; None means all. `namespaces` maps names to labels."""
    match exposure.namespaces:
        case "Same":
            return (namespace,)
        case "All":
            return None
        case "Selector":
            selector = exposure.selector or LabelSelector()
            return tuple(sorted(name for name, labels in namespaces.items() if selector.matches(labels)))


def _describe(selector: KeySelector) -> str:
    if selector.names is not None:
        more = ", …" if len(selector.names) > _SHOWN else ""
        return f"names [{', '.join(selector.names[:_SHOWN])}{more}]"
    if selector.match_expressions:
        return "the label selector"
    labels = ", ".join(f"{name}: {value}" for name, value in (selector.match_labels or {}).items())
    return f"matchLabels {{{labels}}}"
