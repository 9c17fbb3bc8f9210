"""Conditions: what a kind says of itself, each with a reason and a sentence for a person.

Accepted: the object is valid and supported. Resolved: what it refers to was found. Programmed: every live
gateway has loaded the revision that holds it. Usable: the provider takes the key (UpstreamKey), or at least one key of
the route (ModelRoute), at this moment. Priced (ModelRoute and Project that is metered): whoever pays for a model finds
a price for it. Credited (Project): its credits were applied. Funded (Project that is metered): there is something left
to spend. Rotated (Project with the annotation `havuz.dev/rotate-key`): every key that it names was rotated.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from havuz_contract.v1alpha1.meta import KubeModel
from havuz_contract.v1alpha1.rules import ListMap

ConditionType = Literal["Accepted", "Resolved", "Programmed", "Usable", "Rotated", "Priced", "Credited", "Funded"]
ConditionStatus = Literal["True", "False", "Unknown"]
Reason = Literal[
    # Accepted
    "Accepted",
    "Invalid",
    "UnsupportedValue",
    "Conflicted",
    # Resolved
    "Resolved",
    "MockWithoutSecret",
    "SecretNotFound",
    "InvalidSecret",
    "NoKeys",
    "KeyPending",
    "DuplicateKey",
    # Programmed
    "Programmed",
    "NotAccepted",
    "NotResolved",
    "Loading",
    "NoGateways",
    # Usable
    "Usable",
    "CoolingDown",
    "Exhausted",
    "Rejected",
    "Open",
    "Unreachable",
    "Suspended",
    "PoolEmpty",
    # Rotated
    "Rotated",
    "RotationRefused",
    "RotationPending",
    # Priced
    "Priced",
    "PriceMissing",
    # Credited
    "Credited",
    "CreditConflict",
    # Funded
    "Funded",
    "BalanceGone",
]


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition, without the times and generation that its writer adds."""

    type: ConditionType
    status: ConditionStatus
    reason: Reason
    message: str


class StatusCondition(KubeModel):
    """A condition as Kubernetes keeps it in an object's status."""

    type: Annotated[str, StringConstraints(max_length=316)]
    """Accepted, Resolved, Programmed, Usable, Rotated, Priced, Credited or Funded."""
    status: ConditionStatus
    """True, False, or Unknown."""
    reason: Annotated[str, StringConstraints(max_length=1024)]
    """Why, in one CamelCase word."""
    message: Annotated[str, StringConstraints(max_length=32768)]
    """Why, in a sentence."""
    last_transition_time: AwareDatetime
    """When `status` last changed."""
    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """Generation of the object that the condition was worked out for."""


StatusConditions = Annotated[tuple[StatusCondition, ...], Field(max_length=8), ListMap("type")]


_LONGEST_MESSAGE = 4096  # the API server would take 32768; nobody would read them


def accepted() -> Condition:
    """The object is valid and supported."""
    return Condition("Accepted", "True", "Accepted", "The object is valid.")


def refused(reason: Reason, sentences: Iterable[str]) -> Condition:
    """The object is not served, and why: one sentence per fault."""
    return Condition("Accepted", "False", reason, _joined(sentences))


def resolved(message: str, reason: Reason = "Resolved") -> Condition:
    """Everything that the object refers to was found."""
    return Condition("Resolved", "True", reason, message)


def unresolved(reason: Reason, sentences: Iterable[str]) -> Condition:
    """Something that the object refers to is missing: one sentence per thing."""
    return Condition("Resolved", "False", reason, _joined(sentences))


def rotated(message: str) -> Condition:
    """Every key whose rotation was asked for was rotated."""
    return Condition("Rotated", "True", "Rotated", message)


def not_rotated(reason: Reason, sentences: Iterable[str]) -> Condition:
    """Keys were not rotated: one sentence per key."""
    return Condition("Rotated", "False", reason, _joined(sentences))


def priced(message: str) -> Condition:
    """Every model that is meant has a price."""
    return Condition("Priced", "True", "Priced", message)


def unpriced(sentences: Iterable[str]) -> Condition:
    """Models lack a price, and are not offered: one sentence per lack."""
    return Condition("Priced", "False", "PriceMissing", _joined(sentences))


def credited(message: str) -> Condition:
    """Every credit of the manifest is in the account."""
    return Condition("Credited", "True", "Credited", message)


def not_credited(sentences: Iterable[str]) -> Condition:
    """Credits are refused: one sentence per credit."""
    return Condition("Credited", "False", "CreditConflict", _joined(sentences))


def funded(message: str) -> Condition:
    """There is something to spend."""
    return Condition("Funded", "True", "Funded", message)


def not_funded(sentences: Iterable[str]) -> Condition:
    """What is left does not pay for a request."""
    return Condition("Funded", "False", "BalanceGone", _joined(sentences))


def programmed(loaded: int, total: int, revision: int) -> Condition:
    """Whether all live gateways (`total`) run a revision that holds the object (`loaded` of them do)."""
    if total == 0:
        return Condition("Programmed", "False", "NoGateways", "No gateway is running; start one to serve this object.")
    message = f"{loaded}/{total} gateways run revision {revision}."
    if loaded < total:
        return Condition("Programmed", "False", "Loading", message)
    return Condition("Programmed", "True", "Programmed", message)


def not_programmed(because: Condition) -> Condition:
    """The object is in no revision, because another condition (Accepted or Resolved) is false."""
    reason: Reason = "NotAccepted" if because.type == "Accepted" else "NotResolved"
    return Condition("Programmed", "False", reason, because.message)


def _joined(sentences: Iterable[str]) -> str:
    message = ". ".join(sentences)
    return message if len(message) <= _LONGEST_MESSAGE else message[: _LONGEST_MESSAGE - 1] + "…"
