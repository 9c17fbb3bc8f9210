"""What all requests of one project and key have in common in an hour, packed once: keys, limits, plan and period."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from havuz_contract import keys
from havuz_contract.periods import Period, period
from havuz_contract.snapshot.models import Limits, Project, ProjectKey
from havuz_gateway.metering.link import packed_parts
from havuz_gateway.metering.scripts import RESERVE, SETTLE

_HOUR = 3_600
_DAY = 86_400
_MOST_KNOWN = 10_000


@dataclass(frozen=True, slots=True)
class Terms:
    """Holds from `since` until before `until` (unix seconds), or until the project's configuration changes.

    `free`: nothing has to be asked before a request, neither money nor limits. `fixed` are what a settle keeps of them:
    the plan, and the tokens per minute of project and key.
    """

    project: Project
    key: ProjectKey
    day: str
    since: float
    until: float
    free: bool
    period: Period | None
    reserve: bytes
    settle: "SettleHead"
    fixed: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class SettleHead:
    """What settles of one project and key in one hour have in common; the mark's key stands between the two parts."""

    before_mark: bytes
    after_mark: bytes


class KnownTerms:
    """Terms by project and key, made anew when their time is over. `owner` is this gateway's id."""

    def __init__(self, *, owner: str, days_kept: int) -> None:
        self._owner = owner
        self._days_kept = days_kept
        self._known: dict[tuple[str, str], Terms] = {}

    def at(self, project: Project, key: ProjectKey, now: float) -> Terms:
        """The terms at `now` (unix seconds)."""
        known = self._known.get((project.uid, key.id))
        if known is not None and known.project is project and known.key is key and known.since <= now < known.until:
            return known
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        made = self._known[project.uid, key.id] = self._make(project, key, now)
        return made

    def served(self, now: float) -> Iterator[str]:
        """The uids of projects with requests within the last hour, or a little longer; some more than once."""
        return (terms.project.uid for terms in self._known.values() if now < terms.until + _HOUR)

    def settle_head(self, uid: str, key_id: str, day: str, now: float, fixed: tuple[str, str, str]) -> SettleHead:
        """For a request admitted on `day` and settled at `now`; `fixed` are plan and tokens per minute."""
        hour = f"{datetime.fromtimestamp(now, UTC):%Y%m%d%H}"
        names = (
            keys.account(uid), keys.reservations(uid), keys.expiries(uid), keys.rates(uid), keys.spend(uid, day),
            keys.key_leases(uid, key_id), keys.usage_stream(uid), keys.used_in_hour(uid, hour),
            keys.used_in_day(uid, hour[:8]),
        )  # fmt: skip
        arguments = (*fixed, key_id, keys.HOURS_KEPT_SECONDS, self._days_kept * 86_400)
        return SettleHead(SETTLE.head(len(names) + 1, 16) + packed_parts(*names), packed_parts(*arguments))

    def _make(self, project: Project, key: ProjectKey, now: float) -> Terms:
        billing = project.billing
        day = f"{datetime.fromtimestamp(now, UTC):%Y%m%d}"
        since = now - now % _HOUR
        until = since + _HOUR
        month: Period | None = None
        plan_arguments: tuple[str, ...] = ("", "", "")
        right_since = now - now % _DAY
        right_until = right_since + _DAY
        if billing.plan == "Monthly" and billing.monthly is not None:
            month = period(billing.monthly, now)
            since, until = max(since, month.start), min(until, month.end)
            right_since, right_until = max(right_since, month.start), min(right_until, month.end)
            plan_arguments = (month.id, str(billing.monthly.allowance), "1" if billing.monthly.rollover else "")
        limits = (*_limits(project.limits), *_limits(key.limits))
        uid = project.uid
        names = (
            keys.account(uid), keys.reservations(uid), keys.expiries(uid), keys.rates(uid), keys.spend(uid, day),
            keys.key_leases(uid, key.id), keys.usage_stream(uid),
        )  # fmt: skip
        arguments = (billing.unit, billing.plan, *plan_arguments, *limits, key.id, day, self._owner)
        right = (int(right_since) * 1_000, int(right_until) * 1_000)
        fixed = (billing.plan, _text(project.limits.tokens_per_minute), _text(key.limits.tokens_per_minute))
        return Terms(
            project=project,
            key=key,
            day=day,
            since=since,
            until=until,
            free=billing.plan == "Unmetered" and not any(limits),
            period=month,
            reserve=RESERVE.head(len(names), 25) + packed_parts(*names, *arguments, *right),
            settle=self.settle_head(uid, key.id, day, now, fixed),
            fixed=fixed,
        )


def _limits(limits: Limits) -> tuple[str, ...]:
    return tuple(
        map(_text, (limits.requests_per_minute, limits.tokens_per_minute, limits.concurrency, limits.spend_per_day))
    )


def _text(limit: int | None) -> str:
    return "" if limit is None else str(limit)
