"""UpstreamKey: one provider credential in the pool."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from havuz_contract.v1alpha1.conditions import StatusConditions
from havuz_contract.v1alpha1.meta import AGE, MESSAGE, READY, KubeModel, KubeObject, PrinterColumn
from havuz_contract.v1alpha1.rules import Rule
from havuz_contract.v1alpha1.shared import Duration, ModelPatterns, SecretKeyRef, TrafficLimits, between, matching

ProviderName = Literal["openai", "azure-openai", "anthropic", "gemini", "openai-compatible", "stable-diffusion", "mock"]
_NEED_BASE_URL = ("openai-compatible", "azure-openai", "stable-diffusion")
_NEED_SECRET = ("openai", "azure-openai", "anthropic", "gemini")

_URL = (
    r"^https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?"
    r"(/[A-Za-z0-9._~!$&()*+,;=:@%/-]*)?$"
)
_RESERVED_HEADERS = (
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
)
_LOWER_CASE_HEADERS = "[" + ", ".join(f"'{name}'" for name in _RESERVED_HEADERS) + "]"

BaseURL = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1024),
    matching(_URL, "must be an http or https URL with a host, and without user, password, query or fragment"),
]

_HeaderValue = Annotated[
    str,
    StringConstraints(max_length=1024),
    matching(r"^[ -~]*$", "must be printable ASCII text"),
]
Headers = Annotated[
    Mapping[str, _HeaderValue],
    Field(max_length=16),
    Rule(
        "self.all(name, size(name) <= 128 && name.matches('^[A-Za-z0-9-]+$'))",
        "a header name has at most 128 letters, digits and -",
        lambda headers: all(len(name) <= 128 and name.isascii() and _is_header_name(name) for name in headers),
    ),
    Rule(
        f"self.all(name, !(name.lowerAscii() in {_LOWER_CASE_HEADERS}))",
        "a header that havuz itself sets (such as Authorization, Host, Content-Type) can not be set here; "
        "give the credential in secretRef",
        lambda headers: not any(name.lower() in _RESERVED_HEADERS for name in headers),
    ),
]


def _is_header_name(name: str) -> bool:
    return bool(name) and name.replace("-", "a").isalnum()


class Breaker(KubeModel):
    """When the key leaves the rotation after failures, and for how long."""

    failures: Annotated[int, Field(ge=1, le=1000)] = 5
    """Failures in a row that take the key out."""
    window: Annotated[Duration, between("1s", "1h")] = "30s"
    """Time within which these failures must come."""
    open_for: Annotated[Duration, between("1s", "1h")] = "30s"
    """How long the key stays out before one request tries it again."""


class Probe(KubeModel):
    """A cheap call (listing models) that shows whether a key that is out of rotation works again."""

    interval: Annotated[Duration, between("5s", "24h")] = "60s"
    """Time between two calls."""


class CABundle(KubeModel):
    """Certificate authorities, in PEM, that vouch for the provider's TLS certificate."""

    secret_ref: SecretKeyRef
    """Where the PEM text is."""


class UpstreamKeySpec(KubeModel):
    """One provider credential: where it is sent, what it may serve, and its share of the traffic."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!(self.provider in ['openai-compatible', 'azure-openai', 'stable-diffusion']) || has(self.baseURL)",
            "providers 'openai-compatible', 'azure-openai' and 'stable-diffusion' need baseURL: "
            "where that server listens",
            lambda it: it.provider not in _NEED_BASE_URL or it.base_url is not None,
        ),
        Rule(
            "!(self.provider in ['openai', 'azure-openai', 'anthropic', 'gemini']) || has(self.secretRef)",
            "this provider needs secretRef: the Secret and key that hold the credential",
            lambda it: it.provider not in _NEED_SECRET or it.secret_ref is not None,
        ),
        Rule(
            "self.provider != 'mock' || !has(self.baseURL)",
            "provider 'mock' calls nobody and takes no baseURL",
            lambda it: it.provider != "mock" or it.base_url is None,
        ),
        Rule(
            "self.withoutSecret != 'Mock' || has(self.secretRef)",
            "withoutSecret 'Mock' says what happens while secretRef has no value, so it needs a secretRef",
            lambda it: it.without_secret == "Refuse" or it.secret_ref is not None,  # noqa: S105 (a choice)
        ),
    )

    provider: ProviderName
    """Who is called: a company, any server that speaks OpenAI's protocol, an AUTOMATIC1111 web UI
    (`stable-diffusion`), or the built-in `mock`."""
    base_url: Annotated[BaseURL | None, Field(alias="baseURL")] = None
    """Where the provider listens, up to and including its version path. Default: the provider's own address."""
    secret_ref: SecretKeyRef | None = None
    """The credential; `user:password` for a `stable-diffusion` server. Optional for servers that ask for none."""
    without_secret: Literal["Refuse", "Mock"] = "Refuse"  # noqa: S105 (a choice)
    """What the key does while `secretRef` has no value: stay out of the pool, or answer from the mock provider."""
    models: ModelPatterns = ("*",)
    """Models, by the provider's names, that this key may serve; * stands for any text."""
    weight: Annotated[int, Field(ge=0, le=1000)] = 1
    """Share of the traffic among the keys of a target; 0 sends none."""
    priority: Annotated[int, Field(ge=0, le=100)] = 0
    """Lower first: the next tier is used only when the one before has nothing usable."""
    limits: TrafficLimits | None = None
    """What may go through this key, counted over all gateways."""
    breaker: Breaker = Breaker()
    """When failures take the key out of rotation."""
    probe: Probe = Probe()
    """How a key that is out of rotation is tried."""
    headers: Headers | None = None
    """Extra headers of every call, such as an organisation."""
    ca_bundle: CABundle | None = None
    """Certificate authorities to trust instead of the system's."""
    suspended: bool = False
    """Takes the key out of the pool without deleting it."""


class UpstreamKeyStatus(KubeModel):
    """What is known of the key."""

    conditions: StatusConditions | None = None
    """Accepted, Resolved, Programmed and Usable."""
    state: Annotated[str, StringConstraints(max_length=64)] | None = None
    """Usable, CoolingDown, Exhausted, Rejected, Open, Unreachable (its base URL) or Suspended."""
    until: AwareDatetime | None = None
    """When the state ends by itself."""
    reason: Annotated[str, StringConstraints(max_length=64)] | None = None
    """What was seen, in one word, such as RateLimited, Timeout or Connect."""
    last_error: Annotated[str, StringConstraints(max_length=1024)] | None = None
    """What the provider said last when it did not answer, in short."""
    last_status: Annotated[int, Field(ge=100, le=599)] | None = None
    """The HTTP status that came with it, where there was one."""


class UpstreamKey(KubeObject):
    """One provider credential in the pool."""

    plural: ClassVar[str] = "upstreamkeys"
    short_names: ClassVar[tuple[str, ...]] = ("uk",)
    columns: ClassVar[tuple[PrinterColumn, ...]] = (
        PrinterColumn("Provider", ".spec.provider"),
        PrinterColumn("State", ".status.state", description="Whether the provider takes the key at this moment."),
        PrinterColumn("Until", ".status.until", description="When the state ends by itself."),
        READY,
        AGE,
        PrinterColumn("Base URL", ".spec.baseURL", priority=1),
        MESSAGE,
    )

    kind: Literal["UpstreamKey"]
    spec: UpstreamKeySpec
    """What you want."""
    status: UpstreamKeyStatus | None = None
    """What is."""
