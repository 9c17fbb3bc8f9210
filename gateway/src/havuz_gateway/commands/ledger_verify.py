"""`havuz ledger verify`: prove the books of projects, and say which do not balance."""

import argparse
from typing import TextIO

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from havuz_contract.money import format_amount
from havuz_gateway.commands import books
from havuz_gateway.commands.books import Owner
from havuz_gateway.metering.ledger import Proof, projects_with_books, verify


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    books.add_arguments(parser)
    parser.add_argument("--all", action="store_true", help="every project that has an account (the default)")


async def run(options: argparse.Namespace, redis: Redis, out: TextIO) -> int:
    """Print each proof; 1 when one does not balance. Raises `CommandError`, `BusyError` and `redis.RedisError`."""
    if options.all and options.project:
        raise books.CommandError("--all and --project are both given: give one of them")
    wrong = 0
    found = await books.owners(redis, await projects_with_books(redis), options.project)
    for owner in found:
        try:
            proof = await verify(redis, owner.uid)
        except (ResponseError, ValueError) as error:  # what stands there is no amount, or nothing of its kind
            print(f"{_title(owner)}: DOES NOT BALANCE\n  the books can't be read: {error}", file=out)
            wrong += 1
            continue
        print(_told(owner, proof), file=out, flush=True)
        wrong += not proof.balanced
    checked = f"{len(found)} project{'s' if len(found) != 1 else ''} checked"
    print(f"{checked}, {wrong} out of balance" if wrong else f"{checked}, all in balance", file=out)
    return 1 if wrong else 0


def _told(owner: Owner, proof: Proof) -> str:
    account = proof.account
    amounts = {
        "credited": account.credited,
        "granted": account.granted,
        "lapsed": account.lapsed,
        "balance": account.balance,
        "allowance": account.allowance,
        "reserved": account.reserved,
        "spent": account.spent,
        "not covered": proof.short,
    }
    shown = ", ".join(f"{name} {format_amount(nanos)}" for name, nanos in amounts.items())
    lines = [
        f"{_title(owner)}: {'balances' if proof.balanced else 'DOES NOT BALANCE'}",
        f"  {account.unit or 'no unit yet'}: {shown}",
        f"  {proof.events} usage events, {proof.open_requests} open requests",
    ]
    if not proof.balanced:
        lines.append("  in billionths of the unit:")
        lines += [f"  - {fault}" for fault in proof.faults]
    return "\n".join(lines)


def _title(owner: Owner) -> str:
    return owner.name if owner.name == owner.uid else f"{owner.name} ({owner.uid})"
