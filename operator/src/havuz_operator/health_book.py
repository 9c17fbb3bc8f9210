"""Health of the upstream keys as their statuses show it. No I/O and no clock: `now` is unix seconds.

Every verdict ends by itself, and no object is to be written more often than every few seconds, whatever the gateways
say.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar, cast

from havuz_contract.v1alpha1.conditions import Condition, Reason
from havuz_operator.conditions import timestamp

# The states that a status shows, the one that outlasts others first. What a key lacks for one model is not among them.
_STATES = ("Rejected", "Exhausted", "Unreachable", "Open", "CoolingDown")
# In these states the whole key is out of the pool.
_OUT = ("Rejected", "Exhausted", "Unreachable", "Open")
# They end half-open: it takes a request, and the time that it may take, to find out whether they are over.
_HALF_OPEN = ("Unreachable", "Open")
_HALF_OPEN_SECONDS = 5.0
_QUIET_SECONDS = 3.0
_LONGEST_ERROR = 1024
_OF_THE_UPSTREAM = "upstream"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One entry of the stream: a state of a key (for one model, or None for all) until a moment (unix seconds).

    `connection` stands for the address and credential that it is about; with the scope `upstream` it holds for every
    key that calls the same base URL. `status` is the HTTP status that the provider answered with.
    """

    uid: str
    connection: str
    state: str
    model: str | None
    until: float
    message: str
    scope: str = "key"
    reason: str = ""
    status: int | None = None

    @property
    def shown_until(self) -> float:
        """When a status stops to show it."""
        return self.until + (_HALF_OPEN_SECONDS if self.state in _HALF_OPEN else 0.0)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the status says of a key. `until` is unix seconds; `last_error` and `last_status` outlive the state."""

    state: str = "Usable"
    until: float | None = None
    message: str = ""
    reason: str | None = None
    last_error: str | None = None
    last_status: int | None = None

    @property
    def out(self) -> bool:
        """Whether the whole key is out of the pool."""
        return self.state in _OUT

    def condition(self) -> Condition:
        """The condition Usable."""
        if self.state == "Usable":
            return Condition("Usable", "True", "Usable", "The provider takes the key.")
        return Condition("Usable", "False", cast("Reason", self.state), self.message)

    def fields(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """The status fields of a key in the pool; `before` is its status, which keeps what was said last."""
        until = None if self.until is None else timestamp(datetime.fromtimestamp(self.until, UTC))
        return {
            "state": self.state,
            "until": until,
            "reason": self.reason,
            "lastError": self.last_error or before.get("lastError"),
            "lastStatus": self.last_status if self.last_error else before.get("lastStatus"),
        }


USABLE = Shown()


class _Quiet(Generic[T]):
    """A value that is shown: a new one takes its place at once, the one after that a few seconds later."""

    __slots__ = ("_shown_at", "due", "shown")

    def __init__(self, shown: T) -> None:
        self.shown = shown
        self.due: float | None = None  # when a value that waits may be shown
        self._shown_at = float("-inf")

    def show(self, value: T, now: float) -> T:
        self.due = None
        if value != self.shown:
            if now - self._shown_at >= _QUIET_SECONDS:
                self.shown, self._shown_at = value, now
            else:
                self.due = self._shown_at + _QUIET_SECONDS
        return self.shown


@dataclass(slots=True)
class _Key:
    connection: str = ""
    blocks: dict[tuple[str | None, str], Verdict] = field(default_factory=dict)  # by model and state
    last: Verdict | None = None
    quiet: _Quiet[Shown] = field(default_factory=lambda: _Quiet(USABLE))


class HealthBook:
    """What is known of every key, and of the pool of every route. `fed` False: nothing has been heard of yet."""

    def __init__(self) -> None:
        self.fed = False
        self._keys: dict[str, _Key] = {}
        self._connections: dict[str, object] = {}
        self._sites: dict[str, object] = {}
        self._of_sites: dict[tuple[str, str], Verdict] = {}  # by the key that found it, and state
        self._pools: dict[str, _Quiet[tuple[Condition, int]]] = {}

    def hear(self, verdict: Verdict) -> None:
        """Take in one verdict; the state `Usable` ends those before it."""
        known = self._keys.setdefault(verdict.uid, _Key())
        if known.connection != verdict.connection:
            known.connection, known.blocks = verdict.connection, {}
        if verdict.state == "Usable":
            known.blocks = {
                about: block for about, block in known.blocks.items() if verdict.model not in (None, about[0])
            }
            return
        if verdict.message:
            known.last = verdict
        if verdict.state not in _STATES:
            return
        if verdict.scope == _OF_THE_UPSTREAM:
            self._of_sites[verdict.uid, verdict.state] = verdict
        else:
            known.blocks[verdict.model, verdict.state] = verdict

    def start_over(self) -> None:
        """What is in force will be heard anew; what was shown stays for a while."""
        self._of_sites = {}
        for known in self._keys.values():
            known.blocks = {}

    def connect(self, uid: str, connection: object, *, site: object) -> None:
        """Say where and with which credential a key is called now: a change of that makes verdicts void.

        `site` is the same for all keys that call the same base URL.
        """
        before = self._connections.get(uid)
        self._connections[uid], self._sites[uid] = connection, site
        if before is not None and before != connection and uid in self._keys:
            self._keys[uid].blocks = {}

    def look(self, uid: str, now: float) -> Shown:
        """What to show of a key. What was shown a moment ago stays for a while."""
        blocks = list(self._blocks(uid, now))
        known = self._keys.setdefault(uid, _Key()) if blocks else self._keys.get(uid)
        return USABLE if known is None else known.quiet.show(_shown(blocks, known.last), now)

    def look_at_pool(self, uid: str, targets: Iterable[Iterable[str]], now: float) -> tuple[Condition, int]:
        """The condition Usable of a route, and how many of its `targets` (each the uids of its keys) can be served."""
        states = {key: self.look(key, now) for target in targets for key in target}
        usable = sum(any(not states[key].out for key in target) for target in targets)
        found = _pool_condition(states.values()), usable
        return self._pools.setdefault(uid, _Quiet(found)).show(found, now)

    def next_change(self, now: float) -> float | None:
        """When `look` will say something else by the passing of time alone."""
        waiting = [quiet.due for quiet in self._pools.values()]
        waiting += (known.quiet.due for known in self._keys.values())
        # what has waited for longer is of an object that nobody looks at any more
        moments = [max(now, due) for due in waiting if due is not None and due > now - _QUIET_SECONDS]
        blocks = [block for known in self._keys.values() for block in known.blocks.values()]
        moments += (block.shown_until for block in (*blocks, *self._of_sites.values()) if block.shown_until > now)
        return min(moments, default=None)

    def _blocks(self, uid: str, now: float) -> Iterable[Verdict]:
        """The verdicts in force on a key: its own, and those on the base URL that it calls."""
        known = self._keys.get(uid)
        own = () if known is None else known.blocks.values()
        site = self._sites.get(uid, uid)
        of_site = (block for (finder, _), block in self._of_sites.items() if self._sites.get(finder, finder) == site)
        return (block for block in (*own, *of_site) if block.shown_until > now)


def _shown(blocks: Iterable[Verdict], last: Verdict | None) -> Shown:
    error = None if last is None else last.message[:_LONGEST_ERROR]
    status = None if last is None else last.status
    worst = min(blocks, key=lambda block: (_STATES.index(block.state), -block.until), default=None)
    if worst is None:
        return Shown(last_error=error, last_status=status)
    about = f"For model {worst.model!r}: " if worst.model else ""
    message = f"{about}{worst.message or worst.state}"
    return Shown(worst.state, worst.until, message, worst.reason or None, error, status)


def _pool_condition(keys: Iterable[Shown]) -> Condition:
    found = list(keys)
    if not found:
        return Condition("Usable", "False", "NoKeys", "No target has a key.")
    counts = {state: sum(key.state == state for key in found) for state in _OUT}
    out = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    if all(key.out for key in found):
        return Condition("Usable", "False", "PoolEmpty", f"None of its keys can be asked: {out}.")
    return Condition("Usable", "True", "Usable", f"At least one key can be asked{f' ({out})' if out else ''}.")
