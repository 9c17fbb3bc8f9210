"""One cell of the fault matrix: a pool of which some keys fail in one way, asked by many clients at once."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from harness.builders import make_project, make_route, make_target, make_upstream
from harness.caller import Caller, Reply, calling
from harness.fake_provider_bodies import TEXT
from harness.fault_kinds import FaultKind, failing
from harness.gateway import GatewayProcess
from harness.world import World
from havuz_contract.snapshot.models import Failover

FIRST_TOKEN_SECONDS = 2.0  # longer than a provider in good health takes on a busy machine
_IDLE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Cell:
    """What is asked: `bad` of `keys` keys fail as `kind` says (None: all are well), by so many clients at once."""

    kind: FaultKind | None
    stream: bool
    keys: int
    bad: int
    clients: int


@dataclass(slots=True)
class Outcome:
    """What came of it. `waits` are the seconds to the end of each answer.

    `errors` saw no answer or a part of one. `false_ends` are partial answers that end as if they were whole, `twice`
    requests that keys in good health answered more than once, or answered without the client's knowing.
    """

    answers: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    false_ends: int = 0
    twice: int = 0
    waits: list[float] = field(default_factory=list)

    @property
    def error_share(self) -> float:
        """The part of all requests whose client saw an error."""
        failed = sum(self.errors.values())
        return failed / (failed + self.answers) if failed else 0.0

    def wait(self, share: float) -> float:
        """The wait that so great a share of the answers did not exceed, in seconds; 0 where there are none."""
        ordered = sorted(self.waits)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


async def run_cell(world: World, gateway: GatewayProcess, cell: Cell, *, more: Callable[[int], bool]) -> Outcome:
    """Ask until `more` (given how often was asked) says no. The configuration is the cell's own, its keys are new."""
    kind = cell.kind or FaultKind("none")
    async with failing(kind) as places:
        bad = [make_upstream(places.base_url) for _ in range(cell.bad)]
        good = [make_upstream(places.provider.base_url) for _ in range(cell.keys - cell.bad)]
        for upstream in bad:
            places.fail(upstream.credential, kind, stream=cell.stream)
        # quick refusals do not use attempts up
        attempts = Failover().attempts if kind.refuses else max(Failover().attempts, cell.keys)
        failover = Failover(attempts=attempts, first_token=FIRST_TOKEN_SECONDS, idle=_IDLE_SECONDS)
        route, customer = make_route(make_target(*bad, *good), failover=failover), make_project()
        await world.apply(*bad, *good, route, customer)
        outcome, numbers, ends = Outcome(), count(1), dict[str, str]()
        async with calling(gateway.base_url, customer.live) as caller, asyncio.TaskGroup() as group:
            for _ in range(cell.clients):
                group.create_task(_client(caller, route.model, cell, numbers, more, outcome, ends))
        answered = Counter(
            str(request.json["user"])
            for request in places.provider.requests
            if request.credential in {upstream.credential for upstream in good}
        )
        outcome.twice = sum(answered[name] != (end == "answered") for name, end in ends.items())
        await world.remove(route.uid, customer.project.uid, *(upstream.uid for upstream in bad + good))
    return outcome


async def _client(
    caller: Caller,
    model: str,
    cell: Cell,
    numbers: "count[int]",
    more: Callable[[int], bool],
    outcome: Outcome,
    ends: dict[str, str],
) -> None:
    while more(number := next(numbers)):
        body = {
            "model": model,
            "stream": cell.stream,
            "user": str(number),
            "messages": [{"role": "user", "content": "Hi"}],
        }
        began = time.perf_counter()
        reply = await caller.post("/v1/chat/completions", body)
        end = _end(reply, stream=cell.stream)
        ends[str(number)] = end
        if end == "answered":
            outcome.answers += 1
            outcome.waits.append(time.perf_counter() - began)
        elif end == "false end":
            outcome.false_ends += 1
        else:
            outcome.errors[end] += 1


def _end(reply: Reply, *, stream: bool) -> str:
    """`answered`, `false end`, or what the client saw."""
    whole = "".join(TEXT)
    if reply.status != 200:
        return str(reply.status)
    if not stream:
        return "answered" if reply.json["choices"][0]["message"]["content"] == whole else "false end"
    events = [event.removeprefix("data: ") for event in reply.body.decode().split("\n\n") if event]
    decoded = [json.loads(event) for event in events if event.startswith("{")]
    said = "".join(choice["delta"].get("content") or "" for event in decoded for choice in event.get("choices", ()))
    if "[DONE]" not in events:
        return "error event" if any("error" in event for event in decoded) else "cut"
    return "answered" if said == whole else "false end"
