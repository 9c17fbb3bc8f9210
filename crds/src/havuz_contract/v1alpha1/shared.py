"""Types that more than one kind uses: durations, amounts, selectors, references."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from havuz_contract.v1alpha1.meta import KubeModel
from havuz_contract.v1alpha1.rules import ListSet, Rule

_DURATION = r"^([0-9]{1,5}(h|m|s|ms)){1,4}$"
_DURATION_PART = re.compile(r"([0-9]+)(h|ms|m|s)")
_UNIT_SECONDS = {"h": Decimal(3600), "m": Decimal(60), "s": Decimal(1), "ms": Decimal("0.001")}
_AMOUNT = r"^(0|[1-9][0-9]{0,8})([.][0-9]{1,9})?$"


def matching(pattern: str, message: str) -> Rule:
    """A rule for text that must match `pattern` (RE2 and Python alike) as a whole, from ^ to $."""
    compiled = re.compile(pattern.removesuffix("$") + r"\Z")
    return Rule(f"self.matches({_quoted(pattern)})", message, lambda text: compiled.match(text) is not None)


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def seconds(duration: str) -> float:
    """A duration such as `1h30m` in seconds."""
    parts = _DURATION_PART.findall(duration)
    return float(sum((Decimal(number) * _UNIT_SECONDS[unit] for number, unit in parts), Decimal(0)))


def between(shortest: str, longest: str) -> Rule:
    """A rule for a `Duration` within bounds; text that is no duration is left to the type's own rule."""
    low, high = seconds(shortest), seconds(longest)
    return Rule(
        f"!self.matches('{_DURATION}') || "
        f"(duration(self) >= duration('{shortest}') && duration(self) <= duration('{longest}'))",
        f"must be from {shortest} to {longest}",
        lambda text: low <= seconds(text) <= high,
    )


Duration = Annotated[
    str,
    StringConstraints(max_length=32),
    matching(_DURATION, "must be a duration such as 30s, 5m or 1h30m"),
]

Amount = Annotated[
    str,
    StringConstraints(max_length=20),
    matching(
        _AMOUNT,
        "must be a decimal number in quotes, not negative, "
        'with at most nine digits before the point and nine after it, such as "0.10"',
    ),
]

ModelId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=256),
    matching(r"^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$", "must be a model id: letters, digits and . _ : / @ + -, no spaces"),
]

ModelPattern = Annotated[
    str,
    StringConstraints(min_length=1, max_length=256),
    matching(
        r"^[A-Za-z0-9._:/@+*-]+$",
        "must be a model id, or a pattern in which * stands for any text, such as gemini-*",
    ),
]

ModelPatterns = Annotated[tuple[ModelPattern, ...], Field(max_length=256)]

ObjectName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=253),
    matching(
        r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", "must be a Kubernetes object name: lower case letters, digits, - and ."
    ),
]

_LabelValue = Annotated[str, StringConstraints(max_length=63)]
_LabelKey = Annotated[str, StringConstraints(min_length=1, max_length=317)]
MatchLabels = Annotated[Mapping[_LabelKey, _LabelValue], Field(max_length=32)]


Time = Annotated[
    AwareDatetime,
    Rule(
        "self.getFullYear() >= 2000 && self.getFullYear() < 9000",
        "must be a time between the years 2000 and 9000",
        lambda moment: 2000 <= moment.year < 9000,
    ),
]


class SecretKeyRef(KubeModel):
    """One entry of a Secret in the same namespace."""

    name: ObjectName
    """Name of the Secret."""
    key: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    """Which entry of the Secret's data."""


class LabelExpression(KubeModel):
    """One requirement of a label selector."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
            "values belong to the operators In and NotIn, which need at least one, and to no other",
            lambda it: (it.operator in ("In", "NotIn")) == bool(it.values),
        ),
    )

    key: _LabelKey
    """Label the requirement is about."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    """How the label's value relates to `values`."""
    values: Annotated[tuple[_LabelValue, ...], Field(max_length=32), ListSet()] | None = None
    """Values for In and NotIn."""

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Say whether `labels` fulfil the requirement (NotIn is fulfilled where the label is missing)."""
        value = labels.get(self.key)
        match self.operator:
            case "In":
                return value is not None and value in (self.values or ())
            case "NotIn":
                return value is None or value not in (self.values or ())
            case "Exists":
                return value is not None
            case "DoesNotExist":
                return value is None


class LabelSelector(KubeModel):
    """A label selector; every requirement must be fulfilled, and an empty selector selects everything."""

    match_labels: MatchLabels | None = None
    """Labels and the values they must have."""
    match_expressions: Annotated[tuple[LabelExpression, ...], Field(max_length=16)] | None = None
    """Requirements that equality cannot say."""

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Say whether an object with these labels is selected."""
        wanted = self.match_labels or {}
        if any(labels.get(key) != value for key, value in wanted.items()):
            return False
        return all(expression.matches(labels) for expression in self.match_expressions or ())


class TrafficLimits(KubeModel):
    """How much may go through all gateways together; what is absent is not limited."""

    requests_per_minute: Annotated[int, Field(ge=1, le=100_000_000)] | None = None
    """Requests started in any minute."""
    tokens_per_minute: Annotated[int, Field(ge=1, le=1_000_000_000_000)] | None = None
    """Tokens, input and output, in any minute."""
    concurrency: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Requests open at the same time."""
    spend_per_day: Amount | None = None
    """Spent in a day (UTC), in the project's unit; of an UpstreamKey, at prices in USD."""
