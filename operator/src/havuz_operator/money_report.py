"""Money of the projects: credits go into accounts, and what accounts hold goes into a Project's status and events.

Accounts are read every few seconds, and only so many statuses move with them: a busy fleet must not become a busy API
server. What a person waits for is shown at once: a credit, a refused credit, and a balance that is gone or back.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf
from typing import Any

import redis
from redis.asyncio import Redis

from havuz_contract.accounts import Account, Standing, apply_credits, read_accounts, standing
from havuz_contract.money import format_amount
from havuz_contract.snapshot.models import Billing, Project
from havuz_contract.v1alpha1.conditions import Condition, credited, funded, not_credited, not_funded
from havuz_contract.v1alpha1.meta import ObjectRef
from havuz_operator.conditions import timestamp
from havuz_operator.events import Happening

_log = logging.getLogger(__name__)

_ROUND_SECONDS = 5.0
_MOVES_PER_ROUND = 100


@dataclass(frozen=True, slots=True)
class Shown:
    """What the status says of a project's money: conditions, and fields by their wire names."""

    conditions: tuple[Condition, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)

    def verdicts(self) -> list[tuple[str, str, str]]:
        """What a person should not have to wait for."""
        return [(one.type, one.status, one.reason) for one in self.conditions]


_NOTHING = Shown()


@dataclass(frozen=True, slots=True)
class _WorkedOut:
    """What an account was worth, and all that this depends on: most accounts are the same a few seconds later."""

    inputs: tuple[Account, tuple[str, ...], Billing]
    until: float
    shown: Shown


class MoneyReport:
    """Applies credits and follows accounts. `on_change` is called with the projects of which there is something new to
    show; None: any may have.
    """

    def __init__(
        self, client: Redis, *, on_change: Callable[[Iterable[ObjectRef] | None], None], clock: Callable[[], datetime]
    ) -> None:
        self._redis = client
        self._on_change = on_change
        self._clock = clock
        self._projects: dict[str, Project] | None = None
        self._credited: Mapping[str, Project] | None = None  # all that `credit` was given when it last went well
        self._applied: dict[str, Billing] = {}
        self._conflicts: dict[str, tuple[str, ...]] = {}
        self._worked_out: dict[str, _WorkedOut] = {}
        self._shown: dict[str, Shown] = {}
        self._news: dict[str, list[Happening]] = {}
        self._one_at_a_time = asyncio.Lock()  # or an older reading could be shown after a credit

    async def credit(self, projects: Mapping[str, Project]) -> None:
        """Apply what `projects`, all that are served, say that was not applied. Raises `redis.RedisError`."""
        if projects is self._credited:
            return
        first = self._projects is None
        concerned = {
            uid: one for uid, one in projects.items() if one.billing.plan != "Unmetered" or one.billing.credits
        }
        self._projects = concerned
        for known in (self._applied, self._conflicts, self._worked_out, self._shown, self._news):
            for uid in known.keys() - concerned.keys():
                del known[uid]
        due = [one for uid, one in concerned.items() if _differs(self._applied.get(uid), one.billing)]
        if due:
            async with self._one_at_a_time:
                await self._apply(due)
        if first or due:  # at first, also those who pay nothing are known
            self._on_change(None if first else map(_ref, due))
        self._credited = projects

    def look(self, uid: str) -> Shown | None:
        """What to show of a project that is served; None: it is not known yet, and what was shown stays."""
        if self._projects is None:
            return None
        return self._shown.get(uid) if uid in self._projects else _NOTHING

    def take_news(self) -> dict[str, list[Happening]]:
        """What has happened since this was last asked, by the uid of the project; at most once each."""
        news, self._news = self._news, {}
        return news

    async def run(self) -> None:
        """Follow the accounts until cancelled; while Redis is away, what was shown stays."""
        while True:
            await asyncio.sleep(_ROUND_SECONDS)
            try:
                async with self._one_at_a_time:
                    await self._round()
            except (redis.RedisError, OSError) as error:
                _log.warning("accounts can't be read from Redis; trying again", extra={"error": str(error)})

    async def _apply(self, projects: Sequence[Project]) -> None:
        outcomes = await apply_credits(self._redis, projects, now=self._clock().timestamp())
        for project in projects:
            outcome = outcomes[project.uid]
            self._applied[project.uid], self._conflicts[project.uid] = project.billing, outcome.conflicts
            if outcome.credits:
                self._news.setdefault(project.uid, []).extend(_applied(outcome.credits, project.billing.unit))
                _log.info("credits were applied", extra={"project": project.name, "credits": list(outcome.credits)})
        accounts = await read_accounts(self._redis, [one.uid for one in projects])
        self._shown |= {one.uid: self._work_out(one, accounts[one.uid]) for one in projects}

    async def _round(self) -> None:
        projects = dict(self._projects or {})
        accounts = await read_accounts(self._redis, list(projects))
        lost = {uid: one for uid, one in projects.items() if uid in self._applied and not accounts[uid].unit}
        if lost:
            _log.error("Redis has lost accounts; their credits are applied again", extra={"projects": len(lost)})
            await self._apply(list(lost.values()))
        fresh = {uid: self._work_out(one, accounts[uid]) for uid, one in projects.items() if uid not in lost}
        moved = [*lost, *self._move(fresh)]
        if moved:
            self._on_change([_ref(projects[uid]) for uid in moved])

    def _move(self, fresh: Mapping[str, Shown]) -> list[str]:
        """Show what is urgent, and of the rest so much as a round may; returns what moved."""
        urgent: list[str] = []
        others: list[str] = []
        for uid, shown in fresh.items():
            before = self._shown.get(uid)
            if before is None or before.verdicts() != shown.verdicts():
                urgent.append(uid)
            elif before != shown:
                others.append(uid)
        moved = [*urgent, *others[:_MOVES_PER_ROUND]]
        for uid in moved:
            self._shown.pop(uid, None)  # to the end: those that have waited longest come first
            self._shown[uid] = fresh[uid]
        return moved

    def _work_out(self, project: Project, account: Account) -> Shown:
        now, conflicts = self._clock().timestamp(), self._conflicts.get(project.uid, ())
        known = self._worked_out.get(project.uid)
        inputs = (account, conflicts, project.billing)
        if known is not None and now < known.until and known.inputs == inputs:
            return known.shown
        has = standing(project.billing, account, now)
        until = inf if has.period is None else has.period.end
        fresh = _WorkedOut(inputs, until, shown(project.billing, account, conflicts, has))
        self._worked_out[project.uid] = fresh
        return fresh.shown


def shown(billing: Billing, account: Account, conflicts: Iterable[str], has: Standing) -> Shown:
    """What to show of an account and its standing."""
    conditions = [not_credited(conflicts) if conflicts else credited(_count(len(billing.credits)))]
    if billing.plan != "Unmetered":
        conditions.append(_funding(billing, account, has))
    return Shown(tuple(conditions), _fields(has))


def _funding(billing: Billing, account: Account, has: Standing) -> Condition:
    month_began = 0 if has.period is None else has.period.start
    refused = account.refused > month_began * 1000
    if has.available + has.reserved > 0 and not refused:
        return funded("There is something left to spend.")
    sentence = f"{format_amount(has.available)} {billing.unit} is left, which does not pay for a request"
    wait = "" if has.period is None else f", or wait until {_time(has.period.end)}, when the next allowance begins"
    return not_funded([f"{sentence}; add a line to spec.billing.credits{wait}"])


def _fields(has: Standing) -> Mapping[str, Any]:
    fields: dict[str, Any] = {
        "balance": format_amount(has.available),
        "reserved": format_amount(has.reserved),
        "spent": format_amount(has.spent),
    }
    if has.period is not None:
        fields["period"] = {
            "id": has.period.id,
            "endsAt": _time(has.period.end),
            "allowance": format_amount(has.allowance),
            "spent": format_amount(has.period_spent),
        }
    return fields


def _applied(credits_: Mapping[str, int], unit: str) -> list[Happening]:
    return [
        Happening("Normal", "CreditApplied", f"Credit {credit!r} of {format_amount(nanos)} {unit} was applied.")
        for credit, nanos in credits_.items()
    ]


def _count(credits_: int) -> str:
    return f"All {credits_} credits were applied." if credits_ else "There are no credits."


def _time(moment: int) -> str:
    return timestamp(datetime.fromtimestamp(moment, UTC))


def _ref(project: Project) -> ObjectRef:
    namespace, _, name = project.name.partition("/")
    return ObjectRef("Project", namespace, name)


def _differs(old: Billing | None, new: Billing) -> bool:
    return old is not new and old != new
