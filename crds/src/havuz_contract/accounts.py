"""Accounts: the money of each project as Redis keeps it, and how credits get into it.

One hash per project (`keys.account`), with these fields; amounts are nanos of `unit`, and a field that is missing is 0:

- `unit`: what is counted; set once, for ever.
- `balance`: credits that are neither spent nor reserved.
- `allowance`, `period`: what is left of the monthly allowance, neither spent nor reserved, and the id of its period.
- `period_granted`: how large the allowance of that period is.
- `reserved`: the most that open requests can cost.
- `spent`, `period_spent`: what was settled, ever and in the period.
- `credited`, `granted`, `lapsed`: credits applied, allowances granted, and allowances that ended unused, ever.
- `refused`: when a request was refused last because the money did not reach (unix ms); gone once
  a later one is let in, or a credit was applied.

The books: `credited + granted - lapsed = balance + allowance + reserved + spent`, at every moment. This module alone
applies credits, for the operator (after publishing) and for local mode; gateways do all the rest. A month's allowance
is granted with its first request: `standing` says what an account is worth before that.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from havuz_contract import keys
from havuz_contract.money import format_amount
from havuz_contract.periods import Period, period
from havuz_contract.snapshot.models import Billing, Project

EVENT_VERSION = 1
_PROJECTS_AT_ONCE = 100

# Redis's own integers (HINCRBY) and texts do all arithmetic: a number of Lua is a double, and is exact to 2^53 only.
_APPLY_CREDITS = """
-- KEYS: account, credits, usage stream (one hash tag)
-- ARGV: unit, now (unix milliseconds), event version, then id and nanos of each credit
-- Reply: unit of the account, then per credit: 'applied' | 'known' | 'full' | the nanos it was applied with before
local unit = redis.call('HGET', KEYS[1], 'unit')
if not unit then
  unit = ARGV[1]
  redis.call('HSET', KEYS[1], 'unit', unit)
end
local reply = {unit}
if unit ~= ARGV[1] then return reply end
for i = 4, #ARGV, 2 do
  local id, nanos = ARGV[i], ARGV[i + 1]
  local before = redis.call('HGET', KEYS[2], id)
  local result = 'known'
  if before and before ~= nanos then
    result = before
  elseif not before then
    local total = redis.pcall('HINCRBY', KEYS[1], 'credited', nanos)
    if type(total) == 'table' then
      result = 'full'
    else
      redis.call('HINCRBY', KEYS[1], 'balance', nanos)
      redis.call('HDEL', KEYS[1], 'refused')
      redis.call('HSET', KEYS[1], 'updated', ARGV[2])
      redis.call('HSET', KEYS[2], id, nanos)
      redis.call('XADD', KEYS[3], '*', 'v', ARGV[3], 'type', 'credit', 'id', id, 'unit', unit, 'nanos', nanos,
        'at', ARGV[2])
      result = 'applied'
    end
  end
  reply[#reply + 1] = result
end
return reply
"""
_APPLY_CREDITS_SHA = hashlib.sha1(_APPLY_CREDITS.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a project's credits: ids and nanos of those applied now, and a sentence for each refused one."""

    credits: Mapping[str, int]
    conflicts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it was read. Amounts are nanos; `unit` and `period` are empty until there is one."""

    unit: str = ""
    balance: int = 0
    allowance: int = 0
    reserved: int = 0
    spent: int = 0
    period: str = ""
    period_granted: int = 0
    period_spent: int = 0
    refused: int = 0
    credited: int = 0
    granted: int = 0
    lapsed: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """What a project has at a moment: `available` is all it can still spend, the `allowance` of the month included."""

    available: int
    reserved: int
    spent: int
    allowance: int = 0
    period: Period | None = None
    period_spent: int = 0


def standing(billing: Billing, account: Account, now: float) -> Standing:
    """What an account is worth at `now` (unix seconds). Raises `ValueError` when the time zone is unknown."""
    if billing.monthly is None:
        return Standing(account.balance, account.reserved, account.spent)
    current = period(billing.monthly, now)
    if account.period < current.id:
        left = billing.monthly.allowance + (account.allowance if billing.monthly.rollover else 0)
        spent = 0
    else:
        raised = max(0, billing.monthly.allowance - account.period_granted) if account.period == current.id else 0
        left, spent = account.allowance + raised, account.period_spent
    return Standing(account.balance + left, account.reserved, account.spent, left, current, spent)


_FIELDS = tuple(Account.__slots__)


async def apply_credits(redis: Redis, projects: Sequence[Project], *, now: float) -> dict[str, Applied]:
    """Apply the credits of each project that were not applied before; by uid, what became of them.

    Each id is applied once for ever, whoever asks how often; a refused one changes nothing and keeps no other from
    being applied. `now` is unix seconds. Raises `redis.RedisError`, after which asking again is safe.
    """
    outcome: dict[str, Applied] = {}
    for begin in range(0, len(projects), _PROJECTS_AT_ONCE):
        chunk = projects[begin : begin + _PROJECTS_AT_ONCE]
        for project, reply in zip(chunk, await _run(redis, chunk, int(now * 1000)), strict=True):
            outcome[project.uid] = _judge(project, [_text(one) for one in reply])
    return outcome


async def read_accounts(redis: Redis, uids: Sequence[str]) -> dict[str, Account]:
    """The accounts of projects, by uid; one that nothing has happened to is empty. Raises `redis.RedisError`."""
    accounts: dict[str, Account] = {}
    for begin in range(0, len(uids), _PROJECTS_AT_ONCE):
        chunk = uids[begin : begin + _PROJECTS_AT_ONCE]
        async with redis.pipeline(transaction=False) as pipe:
            for uid in chunk:
                pipe.hmget(keys.account(uid), *_FIELDS)
            rows = cast("list[list[bytes | str | None]]", await pipe.execute())
        for uid, row in zip(chunk, rows, strict=True):
            told = zip(_FIELDS, row, strict=True)
            accounts[uid] = account_of({name: _text(value) for name, value in told if value is not None})
    return accounts


def account_of(fields: Mapping[str, str]) -> Account:
    """An account from the fields of its hash; those of others are passed over. Raises `ValueError` for no number."""
    told = {name: fields[name] for name in _FIELDS if name in fields}
    return Account(
        unit=told.pop("unit", ""),
        period=told.pop("period", ""),
        **{name: int(value) for name, value in told.items()},
    )


async def _run(redis: Redis, projects: Sequence[Project], now_ms: int) -> list[list[bytes | str]]:
    replies = await _call(redis, projects, now_ms)
    missing = [index for index, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
    if missing:  # only those are asked again: of the others, the reply says what was new
        await redis.script_load(_APPLY_CREDITS)
        again = await _call(redis, [projects[index] for index in missing], now_ms)
        for index, reply in zip(missing, again, strict=True):
            replies[index] = reply
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return cast("list[list[bytes | str]]", replies)


async def _call(redis: Redis, projects: Sequence[Project], now_ms: int) -> list[Any]:
    async with redis.pipeline(transaction=False) as pipe:
        for project in projects:
            uid = project.uid
            names = [keys.account(uid), keys.credits_of(uid), keys.usage_stream(uid)]
            lines = [str(part) for line in project.billing.credits.items() for part in line]
            pipe.evalsha(
                _APPLY_CREDITS_SHA, len(names), *names, project.billing.unit, str(now_ms), str(EVENT_VERSION), *lines
            )
        return await pipe.execute(raise_on_error=False)


def _judge(project: Project, reply: Sequence[str]) -> Applied:
    unit, *results = reply
    if unit != project.billing.unit:
        sentence = (
            f"the account is kept in {unit!r} since its first use, and spec.billing.unit is {project.billing.unit!r}; "
            f"set it back, or make another Project"
        )
        return Applied({}, (sentence,))
    lines = list(zip(project.billing.credits.items(), results, strict=True))
    new = {credit: nanos for (credit, nanos), result in lines if result == "applied"}
    refused = tuple(_refusal(credit, nanos, result) for (credit, nanos), result in lines if _is_refused(result))
    return Applied(new, refused)


def _is_refused(result: str) -> bool:
    return result not in ("applied", "known")


def _refusal(credit: str, nanos: int, result: str) -> str:
    if result == "full":
        return f"credit {credit!r} would make the sum of all credits larger than an account can hold; remove it"
    before, after = format_amount(int(result)), format_amount(nanos)
    return (
        f"credit {credit!r} was applied as {before} and is {after} now, which changes nothing; "
        f"set it back to {before}, and give a new top-up a new id"
    )


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
