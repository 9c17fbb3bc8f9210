"""The event loop in virtual time: requests arrive at random, are tried, fail over, and end."""

import heapq
import random
from collections import Counter
from dataclasses import dataclass, field

from bench.simulation.fleet import MODEL, Gossip, Pod
from bench.simulation.provider import ANSWER_SECONDS, REFUSAL_SECONDS, Keys
from harness.builders import make_route, make_target, make_upstream
from havuz_contract.snapshot.models import Failover
from havuz_gateway.pipeline.shortlist import Shortlist
from havuz_gateway.pipeline.tries import Tries
from havuz_gateway.pool.types import Candidate
from havuz_gateway.pool.verdict import Verdict

_ATTEMPTS = Failover().attempts


@dataclass(slots=True)
class _Under:
    """A request under way."""

    pod: Pod
    shortlist: Shortlist
    tries: Tries
    began: float = 0.0  # of its last attempt, which waits as number `place`
    place: int = 0


@dataclass(slots=True)
class Tally:
    """Requests, attempts and errors that clients saw, by the second in which the request came or failed."""

    requests: Counter[int] = field(default_factory=Counter)
    attempts: Counter[int] = field(default_factory=Counter)
    errors: Counter[int] = field(default_factory=Counter)


class Simulation:
    """A fleet and its keys. `run` lets time pass; what happens in between is up to the caller."""

    def __init__(self, *, pods: int, keys: int, rate: float, delay: float, seed: int) -> None:
        """`rate` is requests a second at each pod, `delay` the seconds until a verdict has reached the others."""
        self.upstreams = {one.uid: one for one in (make_upstream() for _ in range(keys))}
        route = make_route(make_target(*self.upstreams.values(), model=MODEL))
        self.gossip = Gossip(delay)
        self.pods = [Pod(number, self.upstreams, route, self.gossip) for number in range(pods)]
        self.keys = Keys()
        self.tally = Tally()
        self.now = 0.0
        self.rate = rate * pods
        self._rng = random.Random(seed)
        self._ends: list[tuple[float, int, _Under, Candidate, Verdict | None]] = []
        self._number = 0

    def run(self, until: float) -> None:
        """Let requests come until then."""
        coming = self.now + self._rng.expovariate(self.rate)
        while coming < until:
            self._finish(coming)
            pod = self.pods[int(self._rng.random() * len(self.pods))]
            pod.wake(coming)
            self.tally.requests[int(coming)] += 1
            self._try(_Under(pod, pod.request(), Tries(_ATTEMPTS)), coming)
            coming += self._rng.expovariate(self.rate)
        self._finish(until)
        self.now = until

    def rest(self, until: float) -> None:
        """Let what is under way end, and time pass without requests until then: nothing but clocks would move."""
        self._finish(until)
        for pod in self.pods:
            pod.wake(until)
        self.now = until

    def _finish(self, until: float) -> None:
        while self._ends and self._ends[0][0] <= until:
            now, _, under, candidate, verdict = heapq.heappop(self._ends)
            pod, member = under.pod, candidate.member
            pod.wake(now)
            member.outstanding -= 1
            waiting = member.waiting(MODEL, stream=True)
            if verdict is None:
                waiting.answered(under.place, now)
                member.succeed(MODEL, now)
                continue
            waiting.end(under.place)
            pod.pool.judge(member, verdict, MODEL, now=now)
            under.shortlist.learn(candidate, verdict)
            under.tries.count(verdict, now - under.began, member.site)
            self._try(under, now)

    def _try(self, under: _Under, now: float) -> None:
        chosen = under.shortlist.next(now, under.pod.rng) if under.tries.left else None
        if chosen is None:
            self.tally.errors[int(now)] += 1
            return
        under.shortlist.cross_off(chosen)
        chosen.member.begin(MODEL, now)
        under.began, under.place = now, chosen.member.waiting(MODEL, stream=True).begin(now)
        self.tally.attempts[int(now)] += 1
        verdict = self.keys.ask(chosen.member.upstream.uid, now)
        mean = ANSWER_SECONDS if verdict is None else REFUSAL_SECONDS
        self._number += 1
        end = now + self._rng.expovariate(1 / mean)
        heapq.heappush(self._ends, (end, self._number, under, chosen, verdict))
