"""What happens to a fleet: keys are refused, fail, or have less room than their share. Each gives a row of a table."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from bench.simulation.events import Simulation
from havuz_gateway.pool.ramp import SLOW_START_SECONDS

SHARE_DYING = 0.3
_WARM_SECONDS = 2.0
_FLEET_WARM_SECONDS, _NOTICED_SECONDS = 0.2, 1.0
_PROBE_SECONDS = 60.0  # the default of an UpstreamKey, as is that of a breaker
_OPEN_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Row:
    """Figures of one scenario. Seconds, and shares from 0 to 1; None where it does not apply."""

    name: str
    requests: int
    errors: int
    attempts_peak: float  # per request, in the worst second
    known_after: float | None  # until less than 1 % of what is asked is asked of dead keys
    back_after: float | None  # from when the keys work again until they have 90 % of their share
    overshoot: float | None  # requests refused for their rate, of what limited keys allowed
    calls: int  # to Redis
    messages: int  # that they put on the stream
    messages_peak: int  # a second
    bytes_in_peak: int  # a second
    bytes_out_peak: int  # to one pod


def refused(simulation: Simulation) -> Row:
    """A part of the keys is refused (401), gets a new secret at the provider a minute later, and probes find out."""
    dying = _dying(simulation, "refused")
    died = simulation.now
    simulation.run(died + 5.0)
    known = _known_after(simulation, dying, died)
    simulation.rest(died + _PROBE_SECONDS)
    simulation.keys.dead.clear()
    back = simulation.now
    for uid, pod, after in _probes(simulation, dying):
        simulation.run(back + after)
        simulation.pods[pod].wake(simulation.now)
        simulation.pods[pod].pool.lift(simulation.pods[pod].pool.members[uid], now=simulation.now)
    simulation.run(simulation.now + SLOW_START_SECONDS + 4.0)
    return _row("refused (401)", simulation, known, _back_after(simulation, dying, back))


def noticed(simulation: Simulation) -> Row:
    """The first second of it, short enough for a whole fleet: what it costs to tell everybody."""
    simulation.run(_FLEET_WARM_SECONDS)
    simulation.keys.dead.update(dict.fromkeys(_chosen(simulation), "refused"))
    simulation.run(simulation.now + _NOTICED_SECONDS)
    return _row("refused, the first second", simulation, None, None)


def failing(simulation: Simulation) -> Row:
    """A part of the keys answers 500 for a while: each pod opens its own breakers, and tries one request later."""
    dying = _dying(simulation, "failing")
    died = simulation.now
    simulation.run(died + 16.0)
    known = _known_after(simulation, dying, died)
    simulation.keys.dead.clear()
    back = simulation.now
    simulation.run(back + _OPEN_SECONDS + SLOW_START_SECONDS + 4.0)
    return _row("failing (500)", simulation, known, _back_after(simulation, dying, back))


def limited(simulation: Simulation) -> Row:
    """A part of the keys has room for half of its share, and says so by 429 with the seconds to wait."""
    simulation.run(_WARM_SECONDS)
    each = simulation.rate / len(simulation.upstreams)
    for uid in _chosen(simulation):
        simulation.keys.limits[uid] = each / 2
    simulation.run(simulation.now + 15.0)
    served, over = simulation.keys.served.total(), simulation.keys.refused.total()
    return _row("limited (429)", simulation, None, None, over / served)


SCENARIOS: dict[str, Callable[[Simulation], Row]] = {
    "noticed": noticed,
    "refused": refused,
    "failing": failing,
    "limited": limited,
}


def _chosen(simulation: Simulation) -> list[str]:
    return list(simulation.upstreams)[: int(SHARE_DYING * len(simulation.upstreams))]


def _dying(simulation: Simulation, how: str) -> list[str]:
    simulation.run(_WARM_SECONDS)
    dying = _chosen(simulation)
    simulation.keys.dead.update(dict.fromkeys(dying, how))
    return dying


def _probes(simulation: Simulation, uids: list[str]) -> list[tuple[str, int, float]]:
    """The first probe of each key: each pod makes one within half an interval, as `Probes` spreads them."""
    rng = random.Random(1)
    found = []
    for uid in uids:
        after, pod = min((rng.uniform(0, _PROBE_SECONDS / 2), number) for number in range(len(simulation.pods)))
        found.append((uid, pod, after))
    return sorted(found, key=lambda probe: probe[2])


def _known_after(simulation: Simulation, dying: list[str], died: float) -> float:
    """Whole seconds."""
    for second in sorted(simulation.keys.asked):
        if second >= died and _part_of(simulation, dying, second) < 0.01:
            return second - died
    return float("inf")


def _back_after(simulation: Simulation, dying: list[str], back: float) -> float:
    for second in sorted(simulation.keys.asked):
        if second >= back and _part_of(simulation, dying, second) >= 0.9 * SHARE_DYING:
            return second - back
    return float("inf")


def _part_of(simulation: Simulation, uids: list[str], second: int) -> float:
    asked = simulation.keys.asked[second]
    return sum(asked[uid] for uid in uids) / asked.total()


def _row(
    name: str, simulation: Simulation, known: float | None, back: float | None, overshoot: float | None = None
) -> Row:
    tally, gossip = simulation.tally, simulation.gossip
    usual = simulation.rate / 2  # a second cut short by a pause tells nothing
    each = [tally.attempts[at] / count for at, count in tally.requests.items() if count > usual]
    return Row(
        name=name,
        requests=tally.requests.total(),
        errors=tally.errors.total(),
        attempts_peak=max(each),
        known_after=known,
        back_after=back,
        overshoot=overshoot,
        calls=gossip.calls_in.total(),
        messages=gossip.count_out.total(),
        messages_peak=max(gossip.count_out.values(), default=0),
        bytes_in_peak=max(gossip.bytes_in.values(), default=0),
        bytes_out_peak=max(gossip.bytes_out.values(), default=0),
    )
