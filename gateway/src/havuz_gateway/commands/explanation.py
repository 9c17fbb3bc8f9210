"""Why a request would go where it goes: the plan of the gateway's own code, with the state of each key in words."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from havuz_contract.globs import matches_any
from havuz_contract.snapshot.models import Price, Project, Route, Target, Upstream
from havuz_gateway.commands.onlooker import Onlooker
from havuz_gateway.commands.sample import sample_call
from havuz_gateway.errors import GatewayError
from havuz_gateway.metering import pricing
from havuz_gateway.pipeline.authenticate import check
from havuz_gateway.pipeline.outgoing import outgoing
from havuz_gateway.pipeline.plan import make_plan
from havuz_gateway.pipeline.refusal import refusal
from havuz_gateway.pipeline.ticket import prices_of
from havuz_gateway.pipeline.types import Call, Identity, Plan
from havuz_gateway.pool.select import unavailable
from havuz_gateway.pool.types import Candidate
from havuz_gateway.protocols.codec import Stamp
from havuz_gateway.protocols.neutral.errors import CannotExpress

_SAID_BY_THE_CLIENT = ("model", "messages", "input", "contents")


@dataclass(frozen=True, slots=True)
class Told:
    """What a gateway found of a key, or of its base URL. `until` is an ISO time."""

    gateway: str
    state: str
    scope: str
    until: str
    reason: str
    status: int | None
    message: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One key at one target. `share` is its part of its tier's requests, 0 where it is not asked; `until` an ISO time.

    `parameters` are the members that the provider is sent beside the model and what the client says.
    """

    key: str
    provider: str
    base_url: str
    model: str
    state: str
    share: float
    until: str | None = None
    protocol: str | None = None
    parameters: dict[str, Any] | None = None
    dropped: tuple[str, ...] = ()
    price: Price | None = None
    told: tuple[Told, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client would be told in place of an answer."""

    status: int
    type: str
    message: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """A request of `project` for `model`. `answer` is None where a key would be asked now: one of the first tier that
    has a share. `never` names keys of the route's targets that take no part, with the reason."""

    revision: int
    project: str
    key: str
    model: str
    route: str
    protocol: str
    balance: str
    attempts: int
    plan: str
    unit: str
    review_until: str | None
    modes: tuple[str, ...]
    answer: Answer | None = None
    tiers: tuple[tuple[Choice, ...], ...] = ()
    never: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about: a protocol a client speaks, an operation of the route, and the modes that are on."""

    model: str
    protocol: str
    operation: str
    modes: tuple[str, ...]


def explain(question: Question, identity: Identity, route: Route, onlooker: Onlooker) -> Explanation:
    """What would become of the request now. Pure but for the clocks of `onlooker`."""
    call = sample_call(question.model, question.protocol, question.operation, question.modes)
    answer, plan = None, None
    try:
        check(identity, call.protocol, now=onlooker.wall())
        plan = make_plan(call, identity, onlooker)
        if identity.project.billing.plan != "Unmetered" and identity.key.mode == "Live":
            prices_of(identity.project, call, plan)
        tiers = _tiers(call, plan, identity.project, onlooker)
        if not any(choice.share for tier in tiers for choice in tier):
            raise _refusal(call, plan, onlooker)
    except GatewayError as error:
        answer = Answer(error.status, error.type, error.message, error.retry_after)
        tiers = () if plan is None else _tiers(call, plan, identity.project, onlooker)
    return _explanation(question, identity, route, onlooker, answer, tiers)


def _explanation(
    question: Question,
    identity: Identity,
    route: Route,
    onlooker: Onlooker,
    answer: Answer | None,
    tiers: tuple[tuple[Choice, ...], ...],
) -> Explanation:
    project = identity.project
    review = project.review if project.review is not None and project.review.until > onlooker.wall() else None
    return Explanation(
        revision=onlooker.view().revision,
        project=project.name,
        key=identity.key.name,
        model=question.model,
        route=route.name,
        protocol=question.protocol,
        balance=route.balance,
        attempts=route.failover.attempts,
        plan=project.billing.plan,
        unit=project.billing.unit,
        review_until=None if review is None else _time(review.until),
        modes=tuple(sorted(route.modes)),
        answer=answer,
        tiers=tiers,
        never=tuple(_never(route, onlooker)),
    )


def _tiers(call: Call, plan: Plan, project: Project, onlooker: Onlooker) -> tuple[tuple[Choice, ...], ...]:
    asking = _Asking(call, plan, project, onlooker)
    return tuple(asking.tier(tier) for tier in plan.tiers)


def _refusal(call: Call, plan: Plan, onlooker: Onlooker) -> GatewayError:
    """What a client is told where nobody can be asked, as a request's failovers would tell it."""
    now = onlooker.now()
    for one in (one for tier in plan.tiers for one in tier):
        if one.member.blocked(one.target.model, now) is None:
            try:
                outgoing(call, plan, one, Stamp())
            except CannotExpress as error:
                return error
    return refusal(call.model, (), unavailable(plan.tiers, now=now), same_protocol=True)


class _Asking:
    """One request, and what each candidate would have of it."""

    def __init__(self, call: Call, plan: Plan, project: Project, onlooker: Onlooker) -> None:
        self._call = call
        self._plan = plan
        self._project = project
        self._onlooker = onlooker
        self._now = onlooker.now()
        states = {self._state(one) for tier in plan.tiers for one in tier}
        # those that are passed over while there are others
        self._asked = next((asked for asked in ("Usable", "TooSmall", "Resting") if asked in states), "Usable")

    def tier(self, candidates: tuple[Candidate, ...]) -> tuple[Choice, ...]:
        """The choices of a tier, those first that are asked most often."""
        weights = {one: self._weight(one) for one in candidates}
        least = min((self._plan.costs.get(id(one.target), 0) for one in candidates if weights[one]), default=0)
        for one in candidates:
            if self._plan.costs.get(id(one.target), 0) > least:
                weights[one] = 0.0
        total = sum(weights.values()) or 1.0
        choices = [self._choice(one, weights[one] / total) for one in candidates]
        return tuple(sorted(choices, key=lambda choice: (-choice.share, choice.model, choice.key)))

    def _weight(self, one: Candidate) -> float:
        """What it counts for in a draw; 0 where it is not asked while another can be."""
        return one.weight * one.member.share(one.target.model, self._now) if self._state(one) == self._asked else 0.0

    def _state(self, one: Candidate) -> str:
        block = one.member.blocked(one.target.model, self._now)
        if block is not None:
            return block.state
        if one.member.health.resting(one.target.model, self._now):
            return "Resting"
        if id(one.target) in self._plan.too_small:
            return "TooSmall"
        try:
            self._sent(one)
        except CannotExpress:
            return "CannotExpress"
        return "Usable"

    def _sent(self, one: Candidate) -> tuple[str, dict[str, Any], tuple[str, ...]]:
        sent = outgoing(self._call, self._plan, one, Stamp())
        if not isinstance(sent.call.body, bytes):  # a form, which no explanation asks for
            return sent.call.protocol, {}, sent.dropped
        body: dict[str, Any] = json.loads(sent.call.body)
        said = (*_SAID_BY_THE_CLIENT, "stream", "stream_options")
        return sent.call.protocol, {name: body[name] for name in body if name not in said}, sent.dropped

    def _choice(self, one: Candidate, share: float) -> Choice:
        member, model, wall = one.member, one.target.model, self._onlooker.wall()
        block = member.blocked(model, self._now)
        try:
            protocol, parameters, dropped = self._sent(one)
        except CannotExpress:
            protocol, parameters, dropped = None, None, ()
        return Choice(
            key=member.upstream.name,
            provider=member.upstream.provider,
            base_url=member.provider.base_url(member.upstream),
            model=model,
            state=self._state(one),
            share=share,
            until=None if block is None else _time(wall + block.until - self._now),
            protocol=protocol,
            parameters=parameters,
            dropped=dropped,
            price=pricing.find(self._project.billing.unit, self._plan.route, one.target, self._call.operation),
            told=tuple(
                Told(said.gateway, said.state, said.scope, _time(said.until), said.reason, said.status, said.message)
                for said in self._onlooker.told_of(member, model)
            ),
        )


def _never(route: Route, onlooker: Onlooker) -> Iterator[tuple[str, str]]:
    """Keys of the route's own targets that take no part at all."""
    for target in route.targets:
        for uid in target.upstreams:
            member = onlooker.pool.members.get(uid)
            why = None if member is None else _why_never(target, member.upstream)
            if member is not None and why is not None:
                yield member.upstream.name, why


def _why_never(target: Target, upstream: Upstream) -> str | None:
    if target.weight <= 0:
        return f"the target of model {target.model!r} has weight 0"
    if upstream.weight <= 0:
        return "the key has weight 0"
    if not matches_any(upstream.models, target.model):
        return f"the key serves {', '.join(upstream.models)}, which does not cover {target.model!r}"
    return None


def _time(unix: float) -> str:
    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
