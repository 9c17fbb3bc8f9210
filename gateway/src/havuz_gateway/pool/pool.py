"""The pool: the upstreams of the configuration in force, their live state, and the tiers that routes make of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from havuz_contract.globs import matches_any
from havuz_contract.snapshot.models import Target, Upstream
from havuz_gateway.pool.types import Candidate, Member, Ruling
from havuz_gateway.pool.verdict import Scope, Verdict
from havuz_gateway.providers.base import Provider
from havuz_gateway.transport.base import Transport

Tiers = tuple[tuple[Candidate, ...], ...]


class Pool:
    """Owns the members. `sync` follows the configuration, `tiers` plans, `judge` tells what became of an attempt.

    `on_ruling` hears of each new block, `on_lifted` of a member that a probe brought back, `on_joined` of a new member:
    at once, on the event loop, so they must neither wait nor raise.
    """

    def __init__(
        self,
        transport_for: Callable[[Upstream, Provider], Transport],
        provider_for: Callable[[str], Provider],
    ) -> None:
        self.members: dict[str, Member] = {}  # by the upstream's uid
        self.on_ruling: list[Callable[[Ruling], None]] = []
        self.on_lifted: list[Callable[[Member], None]] = []
        self.on_joined: list[Callable[[Member], None]] = []
        self._transport_for = transport_for
        self._provider_for = provider_for
        # By identity: the targets of one route are one object for as long as its configuration is in force.
        self._tiers: dict[int, tuple[Sequence[Target], Tiers]] = {}

    def sync(self, upstreams: Mapping[str, Upstream]) -> None:
        """Follow a new configuration, by uid. Health and load stay with a member whose way to the provider is the same;
        with a changed address or credential it starts anew, and what is still under way can't speak against it."""
        before, self.members = self.members, {}
        joined = []
        for uid, upstream in upstreams.items():
            member = before.get(uid)
            if member is None or connection(member.upstream) != connection(upstream):
                provider = self._provider_for(upstream.provider)
                member = Member(upstream, provider, self._transport_for(upstream, provider))
                joined.append(member)
            member.upstream = upstream
            self.members[uid] = member
        self._tiers.clear()
        for member in joined:
            for tell in self.on_joined:
                tell(member)

    def tiers(self, targets: Sequence[Target]) -> Tiers:
        """Candidates for `targets`, the most preferred tier first.

        Cached until the next `sync` under the identity of `targets`: pass a route's own tuple, not a copy.
        """
        cached = self._tiers.get(id(targets))
        if cached is not None and cached[0] is targets:
            return cached[1]
        made = self._build(targets)
        self._tiers[id(targets)] = targets, made
        return made

    def judge(self, member: Member, verdict: Verdict, model: str, *, now: float) -> None:
        """Apply what a failed attempt says; `model` is the upstream model, `now` monotonic seconds."""
        block = member.health.fail(verdict, model, now, member.upstream.breaker)
        if block is None or self.members.get(member.upstream.uid) is not member:
            return  # a member of one request only, or one that left: nobody else's concern
        ruling = Ruling(member, model if verdict.scope is Scope.KEY_MODEL else None, block, verdict)
        for tell in self.on_ruling:
            tell(ruling)

    def lift(self, member: Member, *, now: float) -> None:
        """A probe of `member` passed."""
        if member.health.restore(now):
            for tell in self.on_lifted:
                tell(member)

    def states(self, now: float) -> Iterator[tuple[str, str]]:
        """Each upstream's name and state in one word (`Usable`, `CoolingDown`, …), for metrics."""
        return ((member.upstream.name, member.health.state(now)) for member in self.members.values())

    def _build(self, targets: Sequence[Target]) -> Tiers:
        tiers: dict[tuple[int, int], list[Candidate]] = {}
        for target in targets:
            by_priority: dict[int, list[Member]] = {}
            for member in self._serving(target):
                by_priority.setdefault(member.upstream.priority, []).append(member)
            for priority, members in by_priority.items():
                # a target's share must not depend on how many keys it has
                total = sum(member.upstream.weight for member in members)
                tiers.setdefault((target.priority, priority), []).extend(
                    Candidate(target, member, target.weight * member.upstream.weight / total) for member in members
                )
        return tuple(tuple(tiers[order]) for order in sorted(tiers))

    def _serving(self, target: Target) -> Iterator[Member]:
        """Members of a target that take traffic and serve its model."""
        if target.weight <= 0:
            return
        for uid in target.upstreams:
            member = self.members.get(uid)
            if member is not None and member.upstream.weight > 0 and matches_any(member.upstream.models, target.model):
                yield member


def connection(upstream: Upstream) -> tuple[object, ...]:
    """What verdicts are about: where the upstream is and as whom it is called. A change of it starts health anew."""
    return (
        upstream.provider,
        upstream.base_url,
        upstream.credential,
        tuple(sorted(upstream.headers.items())),
        upstream.ca_bundle,
    )
