"""What a project pays with: its plan, its credits, its monthly allowance."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from havuz_contract.v1alpha1.meta import KubeModel
from havuz_contract.v1alpha1.rules import ListMap, Rule, TransitionRule
from havuz_contract.v1alpha1.shared import Amount, Duration, between, matching

Unit = Annotated[
    str,
    StringConstraints(min_length=1, max_length=16),
    matching(r"^[A-Za-z][A-Za-z0-9_-]*$", "must be a unit such as USD or credits"),
]


class Credit(KubeModel):
    """A top-up. Each id is applied exactly once, for ever."""

    id: Annotated[
        str,
        StringConstraints(min_length=1, max_length=63),
        matching(r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$", "must have letters, digits, . _ and - only"),
    ]
    """Name of the top-up, never used again for another."""
    amount: Amount
    """How much is added, in the project's unit."""


class Monthly(KubeModel):
    """An allowance that is renewed every month."""

    allowance: Amount
    """How much may be spent in a month."""
    anchor_day: Annotated[int, Field(ge=1, le=31)] = 1
    """Day of the month on which it is renewed; in a month that lacks the day, the last one."""
    time_zone: Annotated[
        str,
        StringConstraints(min_length=1, max_length=64),
        matching(r"^[A-Za-z][A-Za-z0-9_+/-]*$", "must be a time zone such as UTC or Europe/Istanbul"),
    ] = "UTC"
    """Time zone in which the day begins."""
    rollover: bool = False
    """Whether what is left goes over into the next month."""


class Billing(KubeModel):
    """How the project pays."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "(self.plan == 'Monthly') == has(self.monthly)",
            "monthly belongs to plan 'Monthly', which needs it",
            lambda it: (it.plan == "Monthly") == (it.monthly is not None),
        ),
    )
    transition_rules: ClassVar[tuple[TransitionRule, ...]] = (
        TransitionRule(
            "self.unit == oldSelf.unit || oldSelf.plan == 'Unmetered'",
            "unit of a project that pays can not change; make another Project",
            lambda old, new: old.unit == new.unit or old.plan == "Unmetered",
        ),
    )

    unit: Unit = "USD"
    """What is counted: a currency, or credits. It can change only while nothing has been counted."""
    plan: Literal["Unmetered", "Prepaid", "Monthly"] = "Unmetered"
    """Whether and how use is paid for."""
    credits: Annotated[tuple[Credit, ...], Field(max_length=1000), ListMap("id")] | None = None
    """Top-ups, one line each."""
    monthly: Monthly | None = None
    """The allowance of plan Monthly."""
    on_meter_down: Literal["Refuse", "Serve"] = "Refuse"
    """Whether requests are served while use can not be counted; it is kept and settled later."""
    on_disconnect: Literal["Cancel", "Drain"] = "Cancel"
    """Whether an answer is read to its end after the client has gone."""
    drain_timeout: Annotated[Duration, between("1s", "10m")] = "30s"
    """How long, at most, an answer is read on with `onDisconnect` Drain."""
