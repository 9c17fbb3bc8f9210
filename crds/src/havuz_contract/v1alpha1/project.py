"""Project: one customer with its keys, rights and money."""

from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from havuz_contract.v1alpha1.billing import Billing
from havuz_contract.v1alpha1.conditions import StatusConditions
from havuz_contract.v1alpha1.meta import AGE, MESSAGE, READY, KubeModel, KubeObject, PrinterColumn
from havuz_contract.v1alpha1.rules import ListMap, ListSet, Rule, TransitionRule
from havuz_contract.v1alpha1.shared import (
    Duration,
    ModelPatterns,
    SecretKeyRef,
    Time,
    TrafficLimits,
    between,
    matching,
)
from havuz_contract.v1alpha1.webhooks import Webhooks

KeyMode = Literal["Live", "Test"]

KeyName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=40),
    matching(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "must have lower case letters, digits and - only"),
]
KeyPrefix = Annotated[
    str,
    StringConstraints(min_length=2, max_length=32),
    matching(
        r"^[a-z][a-z0-9_-]*[_-]$",
        "must begin with a lower case letter, go on with lower case letters, digits, - and _, and end with - or _",
    ),
]
HostName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=253),
    matching(
        r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
        "must be a host name in lower case, without scheme, port or path",
    ),
]


class ProjectLimits(TrafficLimits):
    """How much the project may use; what is absent is not limited."""

    max_tokens_per_request: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    """Most output tokens that one request may ask for."""


class ProjectKey(KubeModel):
    """One key of the customer: made by havuz, or brought in a Secret."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!(has(self.prefix) && has(self.secretRef))",
            "prefix belongs to a key that havuz makes; a key from a secretRef has its own",
            lambda it: it.prefix is None or it.secret_ref is None,
        ),
    )
    transition_rules: ClassVar[tuple[TransitionRule, ...]] = (
        TransitionRule(
            "self.mode == oldSelf.mode",
            "mode of a key can not change; add a key under another name",
            lambda old, new: old.mode == new.mode,
        ),
        TransitionRule(
            "has(self.prefix) == has(oldSelf.prefix) && (!has(self.prefix) || self.prefix == oldSelf.prefix)",
            "prefix of a key can not change; add a key under another name",
            lambda old, new: old.prefix == new.prefix,
        ),
    )

    name: KeyName
    """Name of the key inside the project; its Secret is called `<project>-<name>`."""
    mode: KeyMode = "Live"
    """Live calls providers; Test gives mock answers and costs nothing."""
    prefix: KeyPrefix | None = None
    """What the key begins with. Default: `pk_live_` or `pk_test_`, by mode."""
    secret_ref: SecretKeyRef | None = None
    """A key that you bring. Without it, havuz makes one."""
    expires_at: Time | None = None
    """When the key stops working."""
    limits: ProjectLimits | None = None
    """How much this key may use, inside what the project may."""


class ModelRights(KubeModel):
    """Which of the models that the project sees it may use."""

    allow: ModelPatterns = ("*",)
    """Models it may use."""
    deny: ModelPatterns = ()
    """Models it may not use, although `allow` has them."""


class Review(KubeModel):
    """What the project may use while its plan is under review."""

    until: Time
    """When the review ends."""
    models: ModelPatterns
    """Models it may use until then."""


class Surface(KubeModel):
    """Where and in which protocols the project's keys work; empty means anywhere and any."""

    hosts: Annotated[tuple[HostName, ...], Field(max_length=32), ListSet()] = ()
    """Host names under which the keys work."""
    protocols: Annotated[tuple[Literal["OpenAI", "Anthropic", "Gemini"], ...], Field(max_length=8), ListSet()] = ()
    """Protocols in which the keys work; `OpenAI` is Chat Completions, Responses and what goes with them."""


class SelfService(KubeModel):
    """What the customer may do in the dashboard."""

    max_keys: Annotated[int, Field(ge=0, le=100)] = 0
    """Keys that the customer may make there, beside those of spec.keys. A lower number takes none away again."""


class ProjectSpec(KubeModel):
    """One customer: its keys, what they may use, and how it pays."""

    display_name: Annotated[str, StringConstraints(max_length=128)] = ""
    """Name for people."""
    keys: Annotated[tuple[ProjectKey, ...], Field(max_length=64), ListMap("name")] = ()
    """The customer's keys."""
    models: ModelRights = ModelRights()
    """Which models the keys may use."""
    review: Review | None = None
    """What the keys may use while the plan is under review."""
    surface: Surface = Surface()
    """Where and in which protocols the keys work."""
    webhooks: Webhooks = Webhooks()
    """How callbacks are signed."""
    self_service: SelfService = SelfService()
    """What the customer may do in the dashboard."""
    billing: Billing = Billing()
    """How the project pays."""
    limits: ProjectLimits | None = None
    """How much the project may use."""
    rotation_grace: Annotated[Duration, between("0s", "8760h")] = "24h"
    """How long the old key works after a rotation; no key that was replaced before outlives it."""
    suspended: bool = False
    """Refuses every request of the project without deleting it."""


class FormerKeyStatus(KubeModel):
    """What may be shown of a key that was replaced and still works."""

    masked: Annotated[str, StringConstraints(max_length=64)]
    """The key, with all but its ends hidden."""
    created_at: AwareDatetime | None = None
    """When the key was made."""
    expires_at: AwareDatetime
    """When the key stops working."""


class ProjectKeyStatus(KubeModel):
    """What may be shown of a key; never the key itself."""

    name: Annotated[str, StringConstraints(max_length=40)]
    """Name of the key inside the project."""
    id: Annotated[str, StringConstraints(max_length=64)]
    """Public id of the key; a rotation keeps it."""
    masked: Annotated[str, StringConstraints(max_length=64)]
    """The key, with all but its ends hidden."""
    created_at: AwareDatetime | None = None
    """When the key was made."""
    expires_at: AwareDatetime | None = None
    """When the key stops working."""
    self_made: bool | None = None
    """True where the customer made it."""
    former: Annotated[tuple[FormerKeyStatus, ...], Field(max_length=8)] | None = None
    """The keys in whose place it is, the latest first, until they end."""


StatusAmount = Annotated[str, StringConstraints(max_length=32)]


class PeriodStatus(KubeModel):
    """A month of plan Monthly."""

    id: Annotated[str, StringConstraints(max_length=16)]
    """The month in which it began, such as 2026-11."""
    ends_at: AwareDatetime
    """When the next one begins."""
    allowance: StatusAmount
    """What is left of the allowance."""
    spent: StatusAmount
    """What was spent since it began."""


class ProjectStatus(KubeModel):
    """What is known of the project."""

    conditions: StatusConditions | None = None
    """Accepted, Resolved, Programmed; Rotated where a rotation was asked for; Priced, Credited and Funded where the
    project pays."""
    keys: Annotated[tuple[ProjectKeyStatus, ...], Field(max_length=164), ListMap("name")] | None = None
    """The keys that are ready: those of the spec, and those that the customer made."""
    keys_ready: Annotated[str, StringConstraints(max_length=16)] | None = None
    """Keys that are ready, of all, as `1/2`."""
    balance: StatusAmount | None = None
    """What can still be spent, in the project's unit: credits, and what is left of the allowance."""
    reserved: StatusAmount | None = None
    """The most that requests which are open now can cost; it is not part of the balance."""
    spent: StatusAmount | None = None
    """What was spent ever."""
    period: PeriodStatus | None = None
    """The month that plan Monthly is in."""


class Project(KubeObject):
    """One customer: its keys, what they may use, and how it pays."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "size(self.metadata.name) <= 63",
            "metadata.name of a Project must have at most 63 characters",
            lambda it: len(it.metadata.name) <= 63,
        ),
    )

    plural: ClassVar[str] = "projects"
    short_names: ClassVar[tuple[str, ...]] = ("proj",)
    columns: ClassVar[tuple[PrinterColumn, ...]] = (
        PrinterColumn("Plan", ".spec.billing.plan"),
        PrinterColumn("Balance", ".status.balance", description="What can still be spent."),
        PrinterColumn("Spent", ".status.spent", description="What was spent ever."),
        PrinterColumn("Keys", ".status.keysReady", description="Keys that are ready, of all."),
        READY,
        AGE,
        PrinterColumn("Unit", ".spec.billing.unit", priority=1),
        PrinterColumn("Reserved", ".status.reserved", description="What open requests can cost.", priority=1),
        MESSAGE,
    )

    kind: Literal["Project"]
    spec: ProjectSpec
    """What you want."""
    status: ProjectStatus | None = None
    """What is."""
