"""Pool values: a member is one upstream with its live state; a candidate is one way to serve one request."""

from dataclasses import dataclass, field

from havuz_contract.snapshot.models import Target, Upstream
from havuz_gateway.pool.health import Block, Health
from havuz_gateway.pool.verdict import Verdict
from havuz_gateway.providers.base import Provider
from havuz_gateway.transport.base import Transport


@dataclass(slots=True, eq=False)
class Member:
    """An upstream this process may call. Survives revisions: its health and load outlive a change of weight."""

    upstream: Upstream
    provider: Provider
    transport: Transport
    health: Health = field(default_factory=Health)
    outstanding: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One (target, pool member) pair that could serve the request; `weight` is its share inside its tier."""

    target: Target
    member: Member
    weight: float


@dataclass(frozen=True, slots=True)
class Ruling:
    """A block that a verdict put on a member: on the whole key, or on one upstream model of it."""

    member: Member
    model: str | None
    block: Block
    verdict: Verdict
