"""All kinds by name, and the way from a manifest to a checked object, with faults that a person can act on."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pydantic
from pydantic_core import ErrorDetails, to_json

from havuz_contract.v1alpha1.meta import API_VERSION, GROUP, KubeModel, KubeObject
from havuz_contract.v1alpha1.modelroute import ModelRoute
from havuz_contract.v1alpha1.project import Project
from havuz_contract.v1alpha1.upstreamkey import UpstreamKey

KINDS: Mapping[str, type[KubeObject]] = {"Project": Project, "UpstreamKey": UpstreamKey, "ModelRoute": ModelRoute}


class Problem(NamedTuple):
    """What is wrong in which field (`spec.targets[0].keys`); the path of the whole object is empty."""

    path: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.path}: {self.sentence}" if self.path else self.sentence


class ManifestError(Exception):
    """A manifest is no valid object of its kind. `object` names it (kind and name), `problems` lists every fault."""

    def __init__(self, object: str, problems: Sequence[Problem]) -> None:  # noqa: A002
        super().__init__(f"{object} is refused: " + "; ".join(map(str, problems)))
        self.object = object
        self.problems = list(problems)


def is_ours(document: Mapping[str, Any]) -> bool:
    """Say whether a manifest belongs to this API group, in whatever version."""
    return str(document.get("apiVersion", "")).partition("/")[0] == GROUP


def parse(document: Mapping[str, Any]) -> KubeObject:
    """The object that a manifest (as YAML or the API server gives it) describes; its status is left out.

    Raises `ManifestError`.
    """
    name = _describe(document)
    kind = KINDS.get(str(document.get("kind")))
    if kind is None:
        known = ", ".join(KINDS)
        raise ManifestError(name, [Problem("kind", f"is {document.get('kind')!r}; the kinds are {known}")])
    if document.get("apiVersion") != API_VERSION:
        raise ManifestError(name, [Problem("apiVersion", f"is {document.get('apiVersion')!r}; use {API_VERSION!r}")])
    written = {key: value for key, value in document.items() if key != "status"}
    try:
        # By way of JSON, as kubectl does: a date that YAML understood becomes text again, a list a tuple.
        return kind.model_validate_json(to_json(written, inf_nan_mode="strings"))
    except pydantic.ValidationError as error:
        raise ManifestError(name, _problems(error)) from None
    except (ValueError, TypeError, RecursionError) as error:
        raise ManifestError(name, [Problem("", f"can not be read as JSON: {error}")]) from None


def refused_changes(old: KubeObject, new: KubeObject) -> list[Problem]:
    """What in `new` may not follow `old`, the version before it of the same object."""
    if not isinstance(old, Project) or not isinstance(new, Project):
        return []
    before = {key.name: key for key in old.spec.keys}
    problems = _broken("spec.billing", old.spec.billing, new.spec.billing)
    for index, key in enumerate(new.spec.keys):
        former = before.get(key.name)
        if former is not None:
            problems += _broken(f"spec.keys[{index}]", former, key)
    return problems


def _broken(path: str, old: KubeModel, new: KubeModel) -> list[Problem]:
    return [Problem(path, rule.message) for rule in new.transition_rules if not rule.check(old, new)]


def _describe(document: Mapping[str, Any]) -> str:
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    kind = document.get("kind") or "object"
    return f"{kind} {name!r}" if name else f"{kind} without name"


def _problems(error: pydantic.ValidationError) -> list[Problem]:
    faults = error.errors(include_url=False)
    return [Problem(_path(fault["loc"]), _sentence(fault)) for fault in faults if not _is_consequence(fault)]


def _is_consequence(error: ErrorDetails) -> bool:
    """A list counts as too short where its only item is faulty, which is another error."""
    return error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]


def _path(location: tuple[int | str, ...]) -> str:
    path = ""
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
    return path.removeprefix(".")


def _sentence(error: ErrorDetails) -> str:
    """The fault in the words that the API server would use, where it has its own."""
    context = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "Required value"
        case "extra_forbidden":
            return "unknown field"
        case "literal_error":
            return f'Unsupported value: "{error["input"]}": supported values: {_supported(context["expected"])}'
        case "greater_than_equal":
            return f"should be greater than or equal to {context['ge']}"
        case "less_than_equal":
            return f"should be less than or equal to {context['le']}"
        case "string_too_long":
            return f"Too long: may not be more than {context['max_length']} bytes"
        case "string_too_short":
            return f"should be at least {context['min_length']} chars long"
        case "too_long":
            return f"Too many: must have at most {context['max_length']} items"
        case "too_short":
            return f"should have at least {context['min_length']} items"
        case _:
            return error["msg"]


def _supported(expected: str) -> str:
    return expected.replace(" or ", ", ").replace("'", '"')
