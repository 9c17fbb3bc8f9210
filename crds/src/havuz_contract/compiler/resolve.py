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


@dataclass(frozen=True, slots=True)
class Selection:
    """The uids of the keys that can serve a target, oldest first, and what is wrong when there are none.

    `stand_ins` says that all of them are stand-ins: one never stands beside a real key, or clients of a pool
    that works would now and then be given a mock answer.
    """

    uids: tuple[str, ...]
    fault: str | None = None
    stand_ins: bool = False


def select(selector: KeySelector, namespace: str, keys: Sequence[PooledKey], model: str) -> Selection:
    """The keys among `keys` (those of the route's `namespace`) that `selector` means and that may serve `model`."""
    meant = [pooled for pooled in keys if _means(selector, pooled.key)]
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


def _means(selector: KeySelector, key: UpstreamKey) -> bool:
    if selector.names is not None:
        return key.metadata.name in selector.names
    by_label = LabelSelector(match_labels=selector.match_labels, match_expressions=selector.match_expressions)
    return by_label.matches(key.metadata.labels)


def _describe(selector: KeySelector) -> str:
    if selector.names is not None:
        more = ", …" if len(selector.names) > _SHOWN else ""
        return f"names [{', '.join(selector.names[:_SHOWN])}{more}]"
    if selector.match_expressions:
        return "the label selector"
    labels = ", ".join(f"{name}: {value}" for name, value in (selector.match_labels or {}).items())
    return f"matchLabels {{{labels}}}"
