"""Kubernetes Events: what a person would want to be told of an object. Pure; `kube` posts them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from havuz_contract.v1alpha1.meta import API_VERSION
from havuz_contract.v1alpha1.shared import seconds
from havuz_operator.conditions import Transition, timestamp
from havuz_operator.world import Document

COMPONENT = "havuz-operator"
_LONGEST_MESSAGE = 1024
# A rate limit passes by itself many times an hour: it is a state, not an event.
_USABLE_EVENTS: Mapping[str, str] = {
    "Rejected": "KeyRejected",
    "Exhausted": "KeyExhausted",
    "Open": "KeyFailing",
    "Unreachable": "UpstreamUnreachable",
    "PoolEmpty": "PoolEmpty",
}


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing to tell: how bad, why in one word, and a sentence."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


def happening(transition: Transition) -> Happening | None:
    """What to tell of a condition that changed, if a person should hear of it."""
    after = transition.after
    match after.type:
        case "Accepted" | "Resolved" if after.status == "False":
            return Happening("Warning", after.reason, after.message)
        case "Accepted" | "Resolved" if transition.flipped:
            return Happening("Normal", after.reason, after.message)
        case "Programmed" if after.status == "True" and (transition.before is None or transition.flipped):
            return Happening("Normal", after.reason, after.message)
        case "Rotated" if after.status == "False" and after.reason == "RotationRefused":
            return Happening("Warning", after.reason, after.message)
        case "Usable":
            return _usability(transition)
        case "Credited" | "Funded" | "Priced":
            return _money(transition)
        case _:
            return None


def key_rotated(name: str, secret_name: str, *, grace: str) -> Happening:
    """A key of a Project was replaced, and the one before it works for `grace`."""
    before = f"the former key works for {grace}" if seconds(grace) else "the former key does not work any more"
    return Happening(
        "Normal", "KeyRotated", f"Key {name!r} was rotated: the new one is in Secret {secret_name!r}, {before}."
    )


def key_request_done(action: str, name: str, *, asked_by: str) -> Happening:
    """A customer changed a key in the dashboard. `asked_by` is the id of the key that it was signed in with."""
    done = {
        "Reset": ("KeyReset", "was reset: the former key does not work any more"),
        "Create": ("KeyMade", "was made"),
        "Revoke": ("KeyRevoked", "was revoked"),
    }
    reason, what = done[action]
    return Happening("Normal", reason, f"Key {name!r} {what}. The customer asked for it with key {asked_by!r}.")


def _usability(transition: Transition) -> Happening | None:
    after = transition.after
    if after.status == "False" and after.reason in _USABLE_EVENTS:
        return Happening("Warning", _USABLE_EVENTS[after.reason], after.message)
    before = (transition.before or {}).get("reason")
    if after.status == "True" and before in _USABLE_EVENTS:
        return Happening("Normal", "PoolUsable" if before == "PoolEmpty" else "KeyUsable", after.message)
    return None


def _money(transition: Transition) -> Happening | None:
    after = transition.after
    if after.status == "False":
        return Happening("Warning", after.reason, after.message)
    return Happening("Normal", after.reason, after.message) if transition.flipped else None


def event_body(about: Document, what: Happening, *, name_suffix: str, now: datetime) -> dict[str, Any]:
    """The Event for the API server. `name_suffix` makes its name unique."""
    metadata = about["metadata"]
    namespace = metadata.get("namespace", "default")
    moment = timestamp(now)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{metadata['name'][:200]}.{name_suffix}", "namespace": namespace},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": about["kind"],
            "namespace": namespace,
            "name": metadata["name"],
            "uid": metadata.get("uid", ""),
            "resourceVersion": metadata.get("resourceVersion", ""),
        },
        "type": what.type,
        "reason": what.reason,
        "message": what.message[:_LONGEST_MESSAGE],
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "reportingInstance": COMPONENT,
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
    }
