"""The proof: that the books of a project balance, from what Redis holds at one moment.

Four equations, each between numbers that are kept independently of each other:
`credited = Σ credits`, `reserved = Σ open reservations`, `spent = Σ usage events + what was archived of them`, and
`credited + granted - lapsed = balance + allowance + reserved + spent`.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from havuz_contract import keys
from havuz_contract.accounts import Account, account_of, read_accounts
from havuz_gateway.metering.scripts import PROOF

_PAGE = 1_000
_ROUNDS = 20


@dataclass(frozen=True, slots=True)
class Proof:
    """The books of one project at one moment; amounts are nanos. `faults` is empty when they balance."""

    uid: str
    account: Account
    credits: int
    open_reservations: int
    open_requests: int
    settled: int
    short: int
    events: int
    faults: tuple[str, ...]

    @property
    def balanced(self) -> bool:
        """Whether every equation holds and nothing is negative."""
        return not self.faults


class BusyError(Exception):
    """Events were trimmed faster than they could be read: ask again."""


async def verify(redis: Redis, uid: str) -> Proof:
    """Prove the books of one project, also while it is used. Raises `redis.RedisError` or `BusyError`."""
    books = (keys.account, keys.credits_of, keys.reservations, keys.expiries, keys.usage_stream)
    names = [name(uid) for name in books]
    for _ in range(_ROUNDS):
        told = await redis.eval(PROOF.text.decode(), len(names), *names)
        credits_sum, open_sum, open_count, expiries_count, newest, *rest = told
        fields = {name.decode(): value.decode() for name, value in zip(rest[::2], rest[1::2], strict=True)}
        settled, events = await _settled(redis, uid, newest.decode())
        archived = int(await redis.hget(keys.account(uid), "archived") or 0)
        if archived == int(fields.get("archived", 0)):
            break
    else:
        raise BusyError(f"usage events of project {uid!r} are trimmed faster than they can be read: ask again")
    account = account_of(fields)
    proof = Proof(
        uid=uid, account=account, credits=int(credits_sum), open_reservations=int(open_sum), open_requests=open_count,
        settled=settled + archived, short=int(fields.get("short", 0)), events=events, faults=(),
    )  # fmt: skip
    faults = [*_faults(proof)]
    if open_count != expiries_count:
        faults.append(f"{open_count} reservations are open, and {expiries_count} have an expiry")
    return Proof(**{name: getattr(proof, name) for name in Proof.__slots__} | {"faults": tuple(faults)})


async def projects_with_books(redis: Redis) -> list[str]:
    """The uids of every project that has an account. Raises `redis.RedisError`."""
    return await _uids(redis, keys.account("*"))


async def projects_with_usage(redis: Redis) -> list[str]:
    """The uids of every project that has usage events, also of those that pay nothing. Raises `redis.RedisError`."""
    return await _uids(redis, keys.usage_stream("*"))


async def usage_events(redis: Redis, uid: str, *, first: str = "-", last: str = "+") -> AsyncIterator[dict[str, str]]:
    """Each event of a project's stream, oldest first, with its stream id as `event_id`. Raises `redis.RedisError`."""
    while True:
        page: Any = await redis.xrange(keys.usage_stream(uid), min=first, max=last, count=_PAGE)
        for entry_id, fields in page:
            yield {"event_id": entry_id.decode(), **{name.decode(): value.decode() for name, value in fields.items()}}
        if len(page) < _PAGE:
            return
        first = f"({page[-1][0].decode()}"


async def _uids(redis: Redis, pattern: str) -> list[str]:
    prefix, suffix = pattern.split("*")
    found = set()
    async for name in redis.scan_iter(match=pattern, count=1_000):
        found.add(name.decode().removeprefix(prefix).removesuffix(suffix))
    return sorted(found)


async def _settled(redis: Redis, uid: str, newest: str) -> tuple[int, int]:
    """Cost and number of the usage events up to the newest."""
    total = count = 0
    if newest:
        async for event in usage_events(redis, uid, last=newest):
            total += int(event.get("cost", "0"))
            count += event.get("type") == "usage"
    return total, count


def _faults(proof: Proof) -> list[str]:
    account = proof.account
    income = account.credited + account.granted - account.lapsed
    held = account.balance + account.allowance + account.reserved + account.spent
    equations = (
        ("credited", account.credited, "the sum of its credits", proof.credits),
        ("reserved", account.reserved, "the sum of its open reservations", proof.open_reservations),
        ("spent", account.spent, "the sum of its usage events", proof.settled),
        ("credited + granted - lapsed", income, "balance + allowance + reserved + spent", held),
    )
    faults = [f"{left} is {a} and {right} is {b}" for left, a, right, b in equations if a != b]
    amounts = ("balance", "allowance", "reserved", "spent", "period_spent", "credited", "granted", "lapsed")
    faults += [f"{name} is negative: {value}" for name in amounts if (value := getattr(account, name)) < 0]
    return faults


__all__ = [
    "BusyError",
    "Proof",
    "projects_with_books",
    "projects_with_usage",
    "read_accounts",
    "usage_events",
    "verify",
]
