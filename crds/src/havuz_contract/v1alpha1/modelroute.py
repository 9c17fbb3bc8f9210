"""ModelRoute: one public model id, and the keys that serve it."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints

from havuz_contract.v1alpha1.conditions import StatusConditions
from havuz_contract.v1alpha1.meta import AGE, MESSAGE, READY, KubeModel, KubeObject, PrinterColumn, schema_extra
from havuz_contract.v1alpha1.rules import ListMap, ListSet, Rule
from havuz_contract.v1alpha1.shared import (
    Amount,
    Duration,
    LabelExpression,
    LabelSelector,
    MatchLabels,
    ModelId,
    ObjectName,
    between,
    matching,
    seconds,
)

FailoverReason = Literal["Connect", "Timeout", "RateLimited", "ServerError", "Rejected", "Exhausted", "ModelMissing"]
ProviderTool = Literal["web_search"]
Operation = Literal["chat", "embeddings", "image", "speech", "transcription"]
Balance = Literal["LeastBusy", "Weighted", "LowestLatency", "Cheapest", "CacheAffinity"]

FreeForm = Annotated[
    Mapping[str, Any],
    schema_extra(**{"x-kubernetes-preserve-unknown-fields": True, "additionalProperties": None}),
]


class KeySelector(KubeModel):
    """Which UpstreamKeys of the route's namespace: by label, or by name."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "has(self.names) != (has(self.matchLabels) || has(self.matchExpressions))",
            "must have either names, or matchLabels and matchExpressions, and not both",
            lambda it: (it.names is not None) != (it.match_labels is not None or it.match_expressions is not None),
        ),
    )

    names: Annotated[tuple[ObjectName, ...], Field(min_length=1, max_length=256), ListSet()] | None = None
    """Names of UpstreamKeys."""
    match_labels: MatchLabels | None = None
    """Labels that the keys must have."""
    match_expressions: Annotated[tuple[LabelExpression, ...], Field(max_length=16)] | None = None
    """Requirements on the keys' labels that equality cannot say."""


class Parameters(KubeModel):
    """Changes to the top-level fields of a request before it is sent to the provider."""

    defaults: FreeForm | None = None
    """Fields filled in where the client sent none."""
    overrides: FreeForm | None = None
    """Fields that are set whatever the client sent."""
    drop: (
        Annotated[
            tuple[Annotated[str, StringConstraints(min_length=1, max_length=128)], ...],
            Field(max_length=64),
            ListSet(),
        ]
        | None
    ) = None
    """Fields that are removed."""


class Price(KubeModel):
    """What the model costs in one unit. Token prices are per million tokens."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "has(self.input) || has(self.cachedInput) || has(self.cacheWrite) || has(self.output) || has(self.perImage)"
            " || has(self.perRequest) || has(self.perMillionCharacters) || has(self.perMinuteAudio)",
            "must have at least one price beside its unit",
            lambda it: any(value is not None for name, value in it if name != "unit"),
        ),
    )

    unit: Annotated[
        str,
        StringConstraints(min_length=1, max_length=16),
        matching(r"^[A-Za-z][A-Za-z0-9_-]*$", "must be a unit such as USD or credits"),
    ]
    """What is counted: a currency, or credits."""
    input: Amount | None = None
    """A million input tokens."""
    cached_input: Amount | None = None
    """A million input tokens read from the provider's cache. Default: what `input` says."""
    cache_write: Amount | None = None
    """A million input tokens written to the provider's cache. Default: what `input` says."""
    output: Amount | None = None
    """A million output tokens, reasoning included."""
    per_image: Amount | None = None
    """One picture."""
    per_request: Amount | None = None
    """One request, on top of what it uses; alone, it is a flat price."""
    per_million_characters: Amount | None = None
    """A million characters of text that is spoken."""
    per_minute_audio: Amount | None = None
    """One minute of audio that is transcribed."""


Prices = Annotated[tuple[Price, ...], Field(max_length=8), ListMap("unit")]


class Target(KubeModel):
    """One destination of a route."""

    keys: KeySelector
    """The UpstreamKeys that serve this target."""
    model: ModelId | None = None
    """What the provider is asked for. Default: `spec.model`."""
    priority: Annotated[int, Field(ge=0, le=100)] = 0
    """Lower first: the next tier is used only when the one before has nothing usable."""
    weight: Annotated[int, Field(ge=0, le=1000)] = 100
    """Share of the traffic among the targets of one tier; 0 sends none."""
    parameters: Parameters | None = None
    """Changes to the request for this target."""
    context_window: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    """Tokens that the model can take; a longer prompt goes to a target that can take it."""
    prices: Prices | None = None
    """What the model costs when this target serves it, in units for which it is not what the route says."""


Targets = Annotated[tuple[Target, ...], Field(min_length=1, max_length=16)]


class Mode(KubeModel):
    """What a switch of the request (`think`, `deepsearch`) means on this route."""

    parameters: Parameters | None = None
    """Changes to the request."""
    targets: Targets | None = None
    """Targets of its own; default: the route's."""
    tools: Annotated[tuple[ProviderTool, ...], Field(max_length=1), ListSet()] | None = None
    """Tools that the provider itself runs, switched on in its own words; a model that has none is not asked."""


class Modes(KubeModel):
    """The switches that this route understands."""

    think: Mode | None = None
    """What `"think": true` means."""
    deepsearch: Mode | None = None
    """What `"deepsearch": true` means."""


class Failover(KubeModel):
    """How often and for what another key is tried, and the time limits of one request."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!self.firstToken.matches('^[0-9hms]+$') || !self.total.matches('^[0-9hms]+$') || "
            "duration(self.firstToken) <= duration(self.total)",
            "firstToken must not be longer than total",
            lambda it: seconds(it.first_token) <= seconds(it.total),
        ),
    )

    attempts: Annotated[int, Field(ge=1, le=20)] = 4
    """Most calls to providers for one request, the first included. Not counted are refusals within a second that tell
    something of a key (nobody connects, 401, 402, 403, 429, a missing model), up to three times as many calls in all
    and at most 16. With 1, nothing is tried again."""
    reasons: Annotated[tuple[FailoverReason, ...], Field(max_length=7), ListSet()] = (
        "Connect",
        "Timeout",
        "RateLimited",
        "ServerError",
        "Rejected",
        "Exhausted",
        "ModelMissing",
    )
    """Failures after which another key is tried."""
    total: Annotated[Duration, between("1s", "1h")] = "600s"
    """The whole request, all attempts included."""
    first_token: Annotated[Duration, between("100ms", "1h")] = "20s"  # noqa: S105 (tokens of a model)
    """Longest wait for the first content of one attempt. After half of it, a request goes on where several wait in
    vain for the same key while another one answers."""
    idle: Annotated[Duration, between("100ms", "1h")] = "30s"
    """Longest silence inside a stream."""
    keepalive: Annotated[Duration, between("1s", "1h")] = "15s"
    """Silence towards a streaming client after which a comment keeps its connection open."""


class Exposure(KubeModel):
    """Whose projects see the route."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "(self.namespaces == 'Selector') == has(self.selector)",
            "selector belongs to namespaces 'Selector', which needs it",
            lambda it: (it.namespaces == "Selector") == (it.selector is not None),
        ),
    )

    namespaces: Literal["Same", "All", "Selector"] = "Same"
    """Projects of the route's own namespace, of all, or of those that `selector` selects."""
    selector: LabelSelector | None = None
    """Labels of namespaces."""


class ModelRouteSpec(KubeModel):
    """A public model id, where it leads, and what happens when a provider fails."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.aliases) || !(self.model in self.aliases)",
            "an alias must differ from model",
            lambda it: it.model not in (it.aliases or ()),
        ),
    )

    model: ModelId
    """What clients send; unique among the routes that a Project sees."""
    aliases: Annotated[tuple[ModelId, ...], Field(max_length=32), ListSet()] | None = None
    """Other ids for the same model."""
    owned_by: Annotated[str, StringConstraints(max_length=128)] = "havuz"
    """What the list of models says of the owner."""
    operations: Annotated[tuple[Operation, ...], Field(min_length=1, max_length=5), ListSet()] = ("chat",)
    """What the model can do."""
    targets: Targets
    """Where requests go: tiers by priority, weights inside a tier."""
    balance: Balance = "LeastBusy"
    """How one key is chosen among equals: the less busy of two (LeastBusy), by weight alone (Weighted), whose answers
    begin soonest (LowestLatency), whose target costs least (Cheapest), or the same for the requests of one conversation
    while it is healthy and not busy, for the provider's prompt cache (CacheAffinity)."""
    failover: Failover = Failover()
    """How often and for what another key is tried, and the time limits."""
    modes: Modes | None = None
    """What the switches `think` and `deepsearch` mean."""
    prices: Prices | None = None
    """What the model costs, one entry per unit. A metered Project is offered the model only in a unit it has here."""
    on_abandoned: Literal["Release", "BillInput"] = "Release"
    """What a request costs a metered Project when its gateway died before the end: nothing, or its estimated input."""
    expose_to: Exposure = Exposure()
    """Whose projects see the route."""


class TargetCounts(KubeModel):
    """How many targets can be served."""

    usable: Annotated[int, Field(ge=0)]
    """Targets with at least one key that its provider takes at this moment."""
    total: Annotated[int, Field(ge=0)]
    """All targets."""
    summary: Annotated[str, StringConstraints(max_length=16)]
    """Both, as `1/2`."""


class ModelRouteStatus(KubeModel):
    """What is known of the route."""

    conditions: StatusConditions | None = None
    """Accepted, Resolved, Programmed, Usable and Priced."""
    targets: TargetCounts | None = None
    """How many targets can be served."""


class ModelRoute(KubeObject):
    """One public model id, and the keys that serve it."""

    plural: ClassVar[str] = "modelroutes"
    short_names: ClassVar[tuple[str, ...]] = ("mr",)
    columns: ClassVar[tuple[PrinterColumn, ...]] = (
        PrinterColumn("Model", ".spec.model"),
        PrinterColumn("Targets", ".status.targets.summary", description="Targets with a key that works, of all."),
        READY,
        AGE,
        MESSAGE,
    )

    kind: Literal["ModelRoute"]
    spec: ModelRouteSpec
    """What you want."""
    status: ModelRouteStatus | None = None
    """What is."""
