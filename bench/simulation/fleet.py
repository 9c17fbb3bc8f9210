"""Gateways without sockets: the product's own pool, health and choice, and a stream of verdicts with a delay."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from havuz_contract.snapshot.models import Route, Upstream
from havuz_gateway.pipeline.shortlist import Shortlist
from havuz_gateway.pipeline.types import Call, Plan
from havuz_gateway.pool.bulletin import USABLE, SharedVerdict
from havuz_gateway.pool.heard import Heard
from havuz_gateway.pool.pool import Pool
from havuz_gateway.pool.types import Member, Ruling
from havuz_gateway.pool.verdict import Scope
from havuz_gateway.protocols.body import Body
from havuz_gateway.providers.mock import Mock, MockTransport

MODEL = "m"
# Beside the verdict itself: its subject, the hash of the script and the framing, of a call and of an entry.
_CALL_BYTES = 260
_ENTRY_BYTES = 70
_CALL = Call(action="chat", protocol="openai_chat", model=MODEL, stream=True, body=Body.decode(b"{}"))
_TRANSPORT, _PROVIDER = MockTransport(lambda: 0.0), Mock()


@dataclass(frozen=True, slots=True)
class Said:
    """One entry of the stream. `at` is when it was written, in virtual seconds as all times."""

    at: float
    pod: int
    verdict: SharedVerdict


@dataclass(slots=True)
class Gossip:
    """Redis: entries by time, which each pod reads `delay` seconds later, and what they weigh, by second.

    `calls_in` and `bytes_in` are what pods send, `count_out` and `bytes_out` what becomes an entry, read by every pod.
    """

    delay: float
    entries: list[Said] = field(default_factory=list)
    calls_in: Counter[int] = field(default_factory=Counter)
    bytes_in: Counter[int] = field(default_factory=Counter)
    count_out: Counter[int] = field(default_factory=Counter)
    bytes_out: Counter[int] = field(default_factory=Counter)
    known: Heard = field(default_factory=Heard)

    def tell(self, at: float, pod: int, found: SharedVerdict) -> None:
        """Ask for an entry, as by the script that knows what was told."""
        size = len(found.model_dump_json())
        self.calls_in[int(at)] += 1
        self.bytes_in[int(at)] += size + _CALL_BYTES
        if self.known.is_news(found, at):
            self.known.note(found, at)
            self.entries.append(Said(at, pod, found))
            self.count_out[int(at)] += 1
            self.bytes_out[int(at)] += size + _ENTRY_BYTES


class Pod:
    """One gateway."""

    def __init__(self, number: int, upstreams: Mapping[str, Upstream], route: Route, gossip: Gossip) -> None:
        self.number = number
        self.rng = random.Random(number)
        self.now = 0.0
        self._gossip = gossip
        self._heard = Heard()
        self._read = 0
        self.pool = Pool(lambda _upstream, _provider: _TRANSPORT, lambda _name: _PROVIDER)
        self.pool.sync(upstreams)
        self.pool.on_ruling.append(self._tell)
        self.pool.on_lifted.append(self._tell_lifted)
        self._plan = Plan(route=route, tiers=self.pool.tiers(route.targets))

    def request(self) -> Shortlist:
        """Whom one request may ask."""
        return Shortlist(_CALL, self._plan)

    def wake(self, now: float) -> None:
        """Time has passed: read what others have said."""
        self.now = now
        entries, heard_until = self._gossip.entries, now - self._gossip.delay
        while self._read < len(entries) and entries[self._read].at <= heard_until:
            said = entries[self._read]
            self._read += 1
            self._heard.note(said.verdict, now)
            if said.pod != self.number:
                self._hear(said.verdict)

    def _hear(self, said: SharedVerdict) -> None:
        health = self.pool.members[said.upstream].health
        if said.state == USABLE:
            health.restore(self.now)
        elif said.scope != Scope.UPSTREAM:
            health.impose(said.state, said.model, said.until, self.now)

    def _tell(self, ruling: Ruling) -> None:
        self._say(ruling.member, ruling.scope, ruling.block.state, ruling.model, ruling.block.until, ruling)

    def _tell_lifted(self, member: Member) -> None:
        self._say(member, Scope.KEY, USABLE, None, self.now, None)

    def _say(
        self, member: Member, scope: Scope, state: str, model: str | None, until: float, ruling: Ruling | None
    ) -> None:
        verdict = None if ruling is None else ruling.verdict
        found = SharedVerdict(
            gateway=f"havuz-gateway-7d9c5b6f4-{self.number:05d}-1-a1b2c3",
            upstream=member.upstream.uid,
            name=member.upstream.name,
            connection="a1b2",
            scope=scope.value,
            model=model,
            state=state,
            until=until,
            reason="" if verdict is None else verdict.reason.value,
            status=None if verdict is None else verdict.status,
            message="" if verdict is None else verdict.message,
        )
        if self._heard.is_news(found, self.now):
            self._gossip.tell(self.now, self.number, found)
