"""The pool: the upstreams of the configuration in force, their live state, and the tiers that routes make of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from havuz_contract.globs import matches_any
from havuz_contract.snapshot.models import Target, Upstream
from havuz_gateway.pool.block import OF_ONE_MODEL, Block
from havuz_gateway.pool.policies import seed_of
from havuz_gateway.pool.site import Site
from havuz_gateway.pool.types import Candidate, Member, Ruling
from havuz_gateway.pool.verdict import Reason, Scope, Verdict
from havuz_gateway.providers.base import Provider
from havuz_gateway.transport.base import Transport

_STEP, _STEP_COST = 50, 400  # upstreams that are followed in one step, and what that costs

Tiers = tuple[tuple[Candidate, ...], ...]


@dataclass(slots=True)
class _Following:
    """The members of a configuration, as far as they are made, and who of them is new."""

    upstreams: Mapping[str, Upstream]
    members: dict[str, Member] = field(default_factory=dict)
    joined: list[Member] = field(default_factory=list)
    whole: bool = False


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
        self._prepared: _Following | None = None
        # By identity: the targets of one route are one object for as long as its configuration is in force.
        self._tiers: dict[int, tuple[Sequence[Target], Tiers]] = {}

    def sync(self, upstreams: Mapping[str, Upstream], *, now: float | None = None) -> None:
        """Follow a new configuration, by uid. Health and load stay with a member whose way to the provider is the same;
        with a changed address or credential it starts anew, and what is still under way can't speak against it.

        With `now` (monotonic seconds) one that joins others takes its share of the traffic step by step.
        """
        for _ in self.prepare(upstreams, now=now):
            pass
        following, self._prepared = self._prepared, None
        if following is None:
            return
        self.members = following.members
        self._tiers.clear()
        for member in following.joined:
            for tell in self.on_joined:
                tell(member)

    def prepare(self, upstreams: Mapping[str, Upstream], *, now: float | None = None) -> Iterator[int]:
        """What `sync` of the same mapping then need not do any more, step by step, telling what each step cost."""
        known = self._prepared
        if known is not None and known.upstreams is upstreams and known.whole:
            return
        following = self._prepared = _Following(upstreams)
        before, sites = self.members, dict[tuple[object, ...], Site]()
        if any((one := before.get(uid)) is None or one.upstream is not upstream for uid, upstream in upstreams.items()):
            for member in before.values():
                sites.setdefault(_site(member.upstream), member.site)
        for number, (uid, upstream) in enumerate(upstreams.items()):
            following.members[uid] = self._followed(
                before.get(uid), upstream, following, sites, now if before else None
            )
            if number % _STEP == 0:
                yield _STEP_COST
        following.whole = True

    def _followed(
        self,
        known: Member | None,
        upstream: Upstream,
        following: _Following,
        sites: dict[tuple[object, ...], Site],
        joining: float | None,
    ) -> Member:
        """The member of an upstream: the one there is, unless its way to the provider is another now."""
        if known is not None and known.upstream is upstream:
            return known  # nearly all of them, nearly always
        if known is None or connection(known.upstream) != connection(upstream):
            provider = self._provider_for(upstream.provider)
            site = sites.setdefault(_site(upstream), Site())
            known = Member(upstream, provider, self._transport_for(upstream, provider), site=site)
            if joining is not None:
                known.health.join(joining)
            following.joined.append(known)
        known.follow(upstream)
        return known

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
        blocks = list(_apply(member, verdict, model, now))
        member.site.abandon(now)  # a trial that this verdict did not settle is given back
        if self.members.get(member.upstream.uid) is not member:
            return  # a member of one request only, or one that left: nobody else's concern
        for scope, block in blocks:
            ruling = Ruling(member, scope, model if scope is Scope.KEY_MODEL else None, block, verdict)
            for tell in self.on_ruling:
                tell(ruling)

    def lift(self, member: Member, *, now: float) -> None:
        """A probe of `member` passed."""
        if member.health.restore(now):
            for tell in self.on_lifted:
                tell(member)

    def states(self, now: float) -> Iterator[tuple[str, str]]:
        """Each upstream's name and state in one word (`Usable`, `CoolingDown`, …), for metrics."""
        return ((member.upstream.name, member.state(now)) for member in self.members.values())

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
                    Candidate(
                        target,
                        member,
                        target.weight * member.upstream.weight / total,
                        seed_of(member.upstream.uid, target.model),
                    )
                    for member in members
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


def _apply(member: Member, verdict: Verdict, model: str, now: float) -> Iterator[tuple[Scope, Block]]:
    """Put the verdict on whom it is about; the blocks that are new, and on whom."""
    upstream, site = member.upstream, None
    if verdict.scope is Scope.UPSTREAM and verdict.reason is Reason.CONNECT:
        site, own = member.site.unreachable(now, upstream.breaker), None
        member.health.abandon(model, now)
    else:
        if verdict.scope is Scope.UPSTREAM:  # until the edge refuses another key too, it may be this one's own rate
            site = member.site.edge_refused(upstream.uid, now, verdict.retry_after)
        own = member.health.fail(verdict, model, now, upstream.breaker)
    if site is not None:
        yield Scope.UPSTREAM, site
    if own is not None:
        yield (Scope.KEY_MODEL if own.state in OF_ONE_MODEL else Scope.KEY), own


def connection(upstream: Upstream) -> tuple[object, ...]:
    """What verdicts are about: where the upstream is and as whom it is called. A change of it starts health anew."""
    return (
        upstream.provider,
        upstream.base_url,
        upstream.credential,
        tuple(sorted(upstream.headers.items())),
        upstream.ca_bundle,
    )


def _site(upstream: Upstream) -> tuple[object, ...]:
    """Where it calls, whoever calls: the certificate authorities belong to it, since TLS fails or not by them."""
    return upstream.provider, upstream.base_url, upstream.ca_bundle
