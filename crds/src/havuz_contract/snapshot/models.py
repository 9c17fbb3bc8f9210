"""What a gateway may know: the compiled configuration, without one word of Kubernetes.

Compatibility: a gateway ignores fields it does not know, and keeps its last good revision
when `SCHEMA_VERSION` is not the one it was built for. Durations are seconds, times are unix seconds, amounts are
nanos: billionths of their unit.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1

ProviderName = Literal["openai", "azure-openai", "anthropic", "gemini", "openai-compatible", "stable-diffusion", "mock"]
Operation = Literal["chat", "embeddings", "image", "speech", "transcription"]
Balance = Literal["LeastBusy", "Weighted", "LowestLatency", "Cheapest", "CacheAffinity"]
ProviderTool = Literal["web_search"]
KeyMode = Literal["Live", "Test"]
KeyOrigin = Literal["Made", "Brought", "SelfMade"]
Plan = Literal["Unmetered", "Prepaid", "Monthly"]
OnMeterDown = Literal["Refuse", "Serve"]
OnDisconnect = Literal["Cancel", "Drain"]
OnAbandoned = Literal["Release", "BillInput"]
FailoverReason = Literal["Connect", "Timeout", "RateLimited", "ServerError", "Rejected", "Exhausted", "ModelMissing"]


class Part(BaseModel):
    """Base of every snapshot part: immutable, and tolerant of fields from a newer operator."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Breaker(Part):
    """Opens after `failures` in a row within `window` seconds; half-open `open_for` seconds later."""

    failures: int = 5
    window: float = 30.0
    open_for: float = 30.0


class Limits(Part):
    """How much may be used by all gateways together; None is not limited. `tokens_*` count input and output."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int | None = None
    max_tokens_per_request: int | None = None  # output tokens that one request may ask for
    spend_per_day: int | None = None  # nanos per day in UTC, in the unit of whoever pays


class Upstream(Part):
    """One place that is called: provider, base URL and credential.

    `credential` is plain only in memory: `snapshot.envelope` seals it before it is written anywhere.
    """

    uid: str
    name: str  # namespace/name, for spans, logs and status; never a secret
    provider: ProviderName
    base_url: str = ""
    credential: str = Field(default="", repr=False)
    models: tuple[str, ...] = ("*",)
    weight: int = 1
    priority: int = 0
    breaker: Breaker = Breaker()
    probe_interval: float | None = 60.0
    headers: dict[str, str] = Field(default_factory=dict, repr=False)
    ca_bundle: str | None = None
    limits: Limits = Limits()


class Parameters(Part):
    """Changes to the body's top-level fields: filled in where absent, forced, or removed."""

    defaults: dict[str, Any] = Field(default_factory=dict)
    overrides: dict[str, Any] = Field(default_factory=dict)
    drop: tuple[str, ...] = ()


class Price(Part):
    """What a model costs in one unit, in nanos. None: not said, and then not free but impossible to bill."""

    unit: str
    input: int | None = None  # the token prices are per million tokens
    cached_input: int | None = None
    cache_write: int | None = None
    output: int | None = None
    per_image: int | None = None
    per_request: int | None = None
    per_million_characters: int | None = None
    per_minute_audio: int | None = None


class Target(Part):
    """One destination of a route: the upstreams that can serve it and what the model is called there."""

    upstreams: tuple[str, ...]  # uids, in a stable order
    model: str
    priority: int = 0
    weight: int = 100
    parameters: Parameters = Parameters()
    context_window: int | None = None
    prices: tuple[Price, ...] = ()  # of this target where they are not the route's; one per unit


class Mode(Part):
    """What `think: true` or `deepsearch: true` means on a route: parameters, and optionally targets of its own.

    `tools` are run by the provider; each codec has its own words for them.
    """

    parameters: Parameters = Parameters()
    targets: tuple[Target, ...] = ()
    tools: tuple[ProviderTool, ...] = ()


class Failover(Part):
    """How often and for what another upstream is tried, and the time limits of one request (seconds)."""

    attempts: int = 4
    reasons: frozenset[FailoverReason] = frozenset(
        {"Connect", "Timeout", "RateLimited", "ServerError", "Rejected", "Exhausted", "ModelMissing"}
    )
    total: float = 600.0
    first_token: float = 20.0
    idle: float = 30.0
    keepalive: float = 15.0


class Route(Part):
    """One public model id and where it leads. `groups` None means that every project may see it."""

    uid: str
    name: str
    model: str
    aliases: tuple[str, ...] = ()
    owned_by: str = "havuz"
    created: int = 0
    operations: frozenset[Operation] = frozenset({"chat"})
    targets: tuple[Target, ...] = ()
    balance: Balance = "LeastBusy"
    failover: Failover = Failover()
    modes: dict[Literal["think", "deepsearch"], Mode] = Field(default_factory=dict)
    prices: tuple[Price, ...] = ()  # one per unit
    on_abandoned: OnAbandoned = "Release"  # what a request costs whose gateway died: nothing, or its estimated input
    groups: tuple[str, ...] | None = None
    order: int = 0  # where two routes claim one model id, the lower order serves it


class ProjectKey(Part):
    """A customer's key: only its SHA-256 leaves the operator."""

    id: str
    name: str
    sha256: str  # hex
    mode: KeyMode
    masked: str
    created_at: float = 0.0
    expires_at: float | None = None
    limits: Limits = Limits()
    origin: KeyOrigin = "Made"  # by havuz, by whoever runs it, or by havuz for the customer, who may revoke it


class Surface(Part):
    """On which hosts and in which protocols a project's keys work; empty means any."""

    hosts: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()


class Review(Part):
    """Until when, and with which models, a project runs while its plan is under review."""

    until: float
    models: tuple[str, ...]


class Monthly(Part):
    """An allowance renewed each month, when the anchor day begins in the time zone (an IANA name).

    An anchor day that a month does not have is its last day.
    """

    allowance: int  # nanos
    anchor_day: int = Field(default=1, ge=1, le=31)
    time_zone: str = "UTC"
    rollover: bool = False


class Billing(Part):
    """How a project pays. `credits` (id to nanos) is what the manifest says; what was applied is in the account."""

    unit: str = "USD"
    plan: Plan = "Unmetered"
    credits: dict[str, int] = Field(default_factory=dict)
    monthly: Monthly | None = None  # with plan Monthly, and only then
    on_meter_down: OnMeterDown = "Refuse"
    on_disconnect: OnDisconnect = "Cancel"
    drain_seconds: float = 30.0


class Project(Part):
    """One customer: its keys, the models they may use, and how it pays."""

    uid: str
    name: str
    display_name: str = ""
    group: str = ""
    keys: tuple[ProjectKey, ...] = ()
    allow: tuple[str, ...] = ("*",)
    deny: tuple[str, ...] = ()
    review: Review | None = None
    surface: Surface = Surface()
    billing: Billing = Billing()
    limits: Limits = Limits()
    suspended: bool = False
    most_self_made: int = 0  # keys that the customer may make
    webhook_versions: tuple[int, ...] = (1,)  # of the secret that signs callbacks; the first is the customer's


class Snapshot(Part):
    """Everything a gateway serves, by uid. Immutable: a change is a new snapshot."""

    upstreams: dict[str, Upstream] = Field(default_factory=dict)
    routes: dict[str, Route] = Field(default_factory=dict)
    projects: dict[str, Project] = Field(default_factory=dict)

    def part(self, uid: str) -> Part | None:
        """What gateways know of the object with this uid; None: nothing."""
        return self.upstreams.get(uid) or self.routes.get(uid) or self.projects.get(uid)
