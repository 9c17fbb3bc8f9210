"""The loop around attempts: choose a candidate, try it, judge what came, and go on while another may help.

Also the keeper of what an attempt holds: the load it puts on its pool member, its span, its connection.
"""

from dataclasses import replace
from functools import partial
from itertools import count

from havuz_gateway.errors import GatewayError, UpstreamRefused
from havuz_gateway.metering import pricing
from havuz_gateway.metering.estimate import tokens_of
from havuz_gateway.metering.meter import Claim, LimitReached
from havuz_gateway.pipeline.attempt import Failed, Opened, attempt
from havuz_gateway.pipeline.billing import measured
from havuz_gateway.pipeline.context import RequestContext
from havuz_gateway.pipeline.outgoing import Outgoing, answer_id, outgoing
from havuz_gateway.pipeline.patience import pace_of
from havuz_gateway.pipeline.refusal import refusal
from havuz_gateway.pipeline.services import Services
from havuz_gateway.pipeline.shortlist import Shortlist
from havuz_gateway.pipeline.ticket import UPSTREAM_UNIT, estimate_of, upstream_ceiling
from havuz_gateway.pipeline.tries import Tries
from havuz_gateway.pipeline.types import Attempt, Call, Plan
from havuz_gateway.pool import classify
from havuz_gateway.pool.hints import rest_hint
from havuz_gateway.pool.select import unavailable
from havuz_gateway.pool.types import Candidate
from havuz_gateway.pool.verdict import Next, Reason, Scope, Verdict
from havuz_gateway.protocols.codec import Stamp
from havuz_gateway.protocols.neutral.errors import CannotExpress

_LONG = 0.4  # of a time limit: who has waited for so long when another one is half-way through it
_FORGOTTEN = "previous_response_not_found"  # OpenAI's code


class Failovers:
    """The attempts of one request. `open` once; then `close` whatever happened.

    `unanswered` says that no upstream could answer, through no fault of the request.
    """

    def __init__(self, context: RequestContext, call: Call, plan: Plan, services: Services) -> None:
        self._context = context
        self._call = call
        self._plan = plan
        self._services = services
        self._failed: list[Failed] = []
        self._shortlist = Shortlist(call, plan)
        self._tries = Tries(plan.route.failover.attempts)
        self._inexpressible: CannotExpress | None = None
        self._stamp = Stamp(
            id=answer_id(call.protocol, context.request.id), model=call.model, created=int(services.wall()),
            echo=call.echo,
        )  # fmt: skip
        self.unanswered = False
        self._current: Attempt | None = None
        self._claim: Claim | None = None

    async def open(self) -> Opened:
        """Ask one upstream after the other. Raises `GatewayError` when none may help any more."""
        failover = pace_of(self._call, self._plan.route.failover)
        for number in count(1):
            chosen = await self._next(number) if self._tries.left else None
            if chosen is None:
                break
            candidate, sent = chosen
            current = self._begin(number, candidate, sent)
            self._context.dropped = sent.dropped
            result = await attempt(
                current, sent,
                failover=failover, bounds=self._services.bounds, wall=self._services.wall(), now=self._services.now,
                hopeless=partial(self._hopeless, current),
            )  # fmt: skip
            if isinstance(result, Opened):
                self._succeed(current, result)
                return result
            self._fail(current, result.verdict)
            self._failed.append(result)
            if self._home_forgot(result):
                self._shortlist.readmit(candidate)
            elif result.verdict.next is Next.CLIENT or not self._may_fail_over(result.verdict):
                break
        raise self._refusal()

    def _hopeless(self, current: Attempt, seconds: float) -> bool:
        """Whether the key answers nobody of those who have waited for nearly half of so many seconds, while another one
        does that this request may go on to.
        """
        now = self._services.now()
        return (
            current.waiting.silent(now, _LONG * seconds)
            and not self._tries.last
            and Reason.TIMEOUT.value in self._plan.route.failover.reasons
            and self._shortlist.answered_elsewhere(current.started_at, now)
        )

    def _home_forgot(self, failed: Failed) -> bool:
        """Whether who was said to keep what the request goes on from does not: then everybody has to be told of it."""
        earlier = self._call.earlier
        if earlier is None or earlier.home is None or failed.error is None or failed.error.code != _FORGOTTEN:
            return False
        self._call = replace(self._call, earlier=replace(earlier, home=None))
        return True

    def deadline_passed(self, *, route_deadline: bool) -> None:
        """Time ran out. Only the route's own deadline speaks against the key: a client may be impatient."""
        if self._current is not None and route_deadline and not self._current.committed:
            self._fail(self._current, classify.first_token_timeout())

    def broke(self) -> None:
        """The answer broke off after the first content was sent on."""
        if self._current is not None and self._current.committed:
            self._fail(self._current, classify.broken())

    def close(self, opened: Opened | None) -> None:
        """Let go of what is still held: an attempt cut short, the connection, the tap's findings."""
        if opened is not None:
            opened.response.close(told=opened.tap is not None and opened.tap.found.done)
            if opened.tap is not None:
                found = opened.tap.findings()
                self._context.usage = found.usage
                self._context.response_id = found.id
                self._context.response_model = found.model
                self._context.finish_reasons = found.finish_reasons
                self._context.untold = opened.tap.dropped()
        current = self._current
        if current is None:
            return
        member, model, now = current.candidate.member, current.candidate.target.model, self._services.now()
        if current.committed:  # judged at its end: a key whose streams all break would else look well at each start
            member.succeed(model, now)
        else:
            member.abandon(model, now)
        self._release(current, "ok" if current.committed else None)

    async def _next(self, number: int) -> tuple[Candidate, Outgoing] | None:
        """A candidate to ask, with a place claimed on it; passed over are those at a limit of their own, and those
        whose protocol can't say what the request says."""
        while (candidate := self._shortlist.next(self._services.now(), self._services.rng)) is not None:
            sent = self._outgoing(candidate)
            if sent is None:
                continue
            self._claim, free = None, self._call.action == "count_tokens"
            limits = candidate.member.upstream.limits
            if not candidate.member.limited or self._context.ticket is None:
                return candidate, sent
            claimed = await self._services.meter.claim(
                candidate.member.upstream,
                attempt_id=f"{self._context.request.id}:{number}",
                tokens=0 if free else estimate_of(self._call, self._plan, candidate.target).expected,
                ceiling=upstream_ceiling(self._call, self._plan, candidate) if limits.spend_per_day and not free else 0,
                lifetime=self._context.ticket.admitted.admission.lifetime,
            )
            if not isinstance(claimed, LimitReached):
                self._claim = claimed
                return candidate, sent
            until = self._services.now() + claimed.wait
            candidate.member.health.limit(claimed.limit, until)
            self._shortlist.cross_off(candidate)
        return None

    def _outgoing(self, candidate: Candidate) -> Outgoing | None:
        try:
            return outgoing(self._call, self._plan, candidate, self._stamp)
        except CannotExpress as error:
            self._inexpressible = self._inexpressible or error
            self._shortlist.cross_off(candidate)
            return None

    def _begin(self, number: int, candidate: Candidate, sent: Outgoing) -> Attempt:
        member, now = candidate.member, self._services.now()
        waiting = member.waiting(candidate.target.model, stream=self._call.stream)
        current = self._current = Attempt(
            number=number, candidate=candidate, protocol=sent.call.protocol, started_at=now,
            waiting=waiting, place=waiting.begin(now),
        )  # fmt: skip
        self._context.attempts.append(current)
        self._shortlist.cross_off(candidate)
        member.begin(candidate.target.model, now)
        if self._context.trace is not None:
            current.trace = self._context.trace.begin_attempt(
                number=number,
                provider=member.provider.telemetry_name,
                url=member.provider.base_url(member.upstream),
                upstream_key=member.upstream.name,
                upstream_model=candidate.target.model,
            )
        return current

    def _succeed(self, current: Attempt, opened: Opened) -> None:
        context = self._context
        current.committed = True
        context.first_content_at = self._services.now()
        self._note_service(current, opened)
        answer = opened.answer
        if answer is not None:
            context.usage = answer.usage
            context.response_id = answer.id
            context.response_model = answer.model
            context.finish_reasons = answer.finish_reasons
            context.answer_tokens = tokens_of(answer.size)
            context.dropped = (*context.dropped, *answer.dropped)

    def _note_service(self, current: Attempt, opened: Opened) -> None:
        """What the answer tells beside itself: how long it took to begin, and that nothing more is left to give."""
        member, model, now = current.candidate.member, current.candidate.target.model, self._services.now()
        current.waiting.answered(current.place, now)
        member.waited(model, now - current.started_at, now, stream=self._call.stream)
        rest = rest_hint(opened.response.headers, self._services.wall())
        if rest:
            member.health.rest(model, rest, now)

    def _fail(self, current: Attempt, verdict: Verdict) -> None:
        if self._call.action == "count_tokens" and verdict.scope is Scope.KEY_MODEL:
            # counting has limits of its own, and some servers of the protocol do not have it: chat may well work
            verdict = replace(verdict, scope=Scope.REQUEST)
        current.verdict = verdict
        member, target = current.candidate.member, current.candidate.target
        now = self._services.now()
        self._services.pool.judge(member, verdict, target.model, now=now)
        self._shortlist.learn(current.candidate, verdict)
        self._tries.count(verdict, now - current.started_at, member.site)
        if verdict.reason is Reason.TIMEOUT:
            member.waited(target.model, now - current.started_at, now, stream=self._call.stream)
        self._release(current, verdict.reason)

    def _release(self, current: Attempt, result: str | None) -> None:
        """Give back the load an attempt was, and close its span. `result` None: it was cut short."""
        self._current = None
        member = current.candidate.member
        member.outstanding -= 1
        current.waiting.end(current.place)
        self._unclaim(current)
        error_type = None if result == "ok" else (result or "cancelled")
        if current.trace is not None:
            current.trace.end(status=current.status, verdict=result, error_type=error_type, committed=current.committed)
        self._services.telemetry.metrics.attempt_ended(
            upstream_key=member.upstream.name, provider=member.provider.telemetry_name, verdict=result or "cancelled"
        )

    def _unclaim(self, current: Attempt) -> None:
        """Give the place on the upstream back, with what the attempt used."""
        claim, self._claim = self._claim, None
        if claim is None:
            return
        used = measured(self._context).usage if current.committed else None
        price = pricing.find(UPSTREAM_UNIT, self._plan.route, current.candidate.target, self._call.operation)
        cost = 0 if price is None or used is None else pricing.cost(price, used)
        self._services.meter.unclaim(claim, tokens=0 if used is None else used.input + used.output, cost=cost)
        current.candidate.member.health.unlimit(self._services.now())

    def _may_fail_over(self, verdict: Verdict) -> bool:
        return verdict.next is Next.LARGER_WINDOW or verdict.reason.value in self._plan.route.failover.reasons

    def _refusal(self) -> GatewayError:
        error = self._reason()
        self.unanswered = not isinstance(error, UpstreamRefused)
        return error

    def _reason(self) -> GatewayError:
        if self._inexpressible is not None and not self._failed:
            return self._inexpressible
        failed = self._failed
        if self._shortlist.larger_is_left:  # the prompt is too long for those that were asked, and not for all
            failed = [one for one in failed if one.verdict.reason is not Reason.CONTEXT_LENGTH]
        return refusal(
            self._call.model,
            failed,
            unavailable(self._plan.tiers, now=self._services.now()),
            same_protocol=all(current.protocol == self._call.protocol for current in self._context.attempts),
        )
