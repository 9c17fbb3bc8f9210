"""Pool values: a member is one upstream with its live state; a candidate is one way to serve one request."""

from dataclasses import dataclass, field

from havuz_contract.snapshot.models import Limits, Target, Upstream
from havuz_gateway.pool.block import Block, combined
from havuz_gateway.pool.health import Health
from havuz_gateway.pool.latency import Latency, measured
from havuz_gateway.pool.site import Site
from havuz_gateway.pool.verdict import Scope, Verdict
from havuz_gateway.pool.waiting import Waiting
from havuz_gateway.providers.base import Provider
from havuz_gateway.transport.base import Transport

_UNLIMITED = Limits()


@dataclass(slots=True, eq=False)
class Member:
    """An upstream this process may call. Survives revisions: its health and load outlive a change of weight.

    `site` is shared by all members that call the same base URL.
    """

    upstream: Upstream
    provider: Provider
    transport: Transport
    health: Health = field(default_factory=Health)
    site: Site = field(default_factory=Site)
    outstanding: int = 0
    latencies: dict[tuple[str, bool], Latency] = field(
        default_factory=dict
    )  # by upstream model, and whether it streams
    waits: dict[tuple[str, bool], Waiting] = field(default_factory=dict)  # likewise
    limited: bool = field(init=False)  # whether a place must be claimed on it before a call

    def __post_init__(self) -> None:
        self.follow(self.upstream)

    def follow(self, upstream: Upstream) -> None:
        """Take over what a newer configuration says of it."""
        self.upstream = upstream
        self.limited = upstream.limits != _UNLIMITED

    def blocked(self, model: str, now: float) -> Block | None:
        """Why it can't be asked for `model` (the upstream's name) now, or None when it can."""
        if self.site.well:
            return self.health.blocked(model, now)
        return combined(self.health.blocked(model, now), self.site.blocked(now))

    def share(self, model: str, now: float) -> float:
        """The part of its weight that it counts for: less than 1 for a while after it has come back."""
        return min(self.health.share(model, now), self.site.share(now))

    def state(self, now: float) -> str:
        """In one word, for metrics: `Usable`, or the state of the strongest block."""
        own = self.health.state(now)
        site = self.site.blocked(now)
        if site is None or own in ("Rejected", "Exhausted") or (site.rate_limited and own != "Usable"):
            return own
        return site.state

    def begin(self, model: str, now: float) -> None:
        """An attempt starts."""
        self.outstanding += 1
        self.health.begin(model, now)
        self.site.begin(now)

    def succeed(self, model: str, now: float) -> None:
        """An attempt was answered."""
        self.health.succeed(model, now)
        self.site.served(now)

    def abandon(self, model: str, now: float) -> None:
        """An attempt ended without telling anything, such as one whose client went away."""
        self.health.abandon(model, now)
        self.site.abandon(now)

    def waiting(self, model: str, *, stream: bool) -> Waiting:
        """Who waits for an answer of this kind."""
        known = self.waits.get((model, stream))
        if known is None:
            known = self.waits[model, stream] = Waiting()
        return known

    def waited(self, model: str, seconds: float, now: float, *, stream: bool) -> None:
        """An attempt took so long to begin its answer."""
        self.latencies[model, stream] = measured(self.latencies.get((model, stream)), seconds, now)


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One (target, pool member) pair that could serve the request; `weight` is its share inside its tier.

    `seed` is the same number for the same key in every process.
    """

    target: Target
    member: Member
    weight: float
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Ruling:
    """A block that a verdict put: on the site of `member`, on the whole key, or on one upstream model of it."""

    member: Member
    scope: Scope
    model: str | None
    block: Block
    verdict: Verdict
