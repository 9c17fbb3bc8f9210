"""`havuz ledger verify` and `havuz usage export`, as a person runs them, on real books."""

import csv
import io
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis.asyncio import Redis

from harness.account import havuz, past, top_up
from harness.builders import Customer, make_project
from harness.metering import UNIT, prepaid
from harness.valkey import ValkeyServer
from harness.world import World
from havuz_contract import keys

AT = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()


@pytest.fixture
def server(start_valkey: Callable[..., ValkeyServer]) -> ValkeyServer:
    return start_valkey()


@pytest.fixture
async def redis(server: ValkeyServer) -> AsyncIterator[Redis]:
    async with Redis.from_url(server.url) as client:
        yield client


@pytest.fixture
async def books(server: ValkeyServer, redis: Redis, encryption_keys: str) -> tuple[Customer, Customer]:
    """Two projects, one of which pays, each with a request now."""
    made = make_project(name="acme", billing=prepaid(10 * UNIT)), make_project(name="free")
    async with World(redis_url=server.url, encryption_keys=encryption_keys) as world:
        await world.apply(*made)
    await top_up(redis, made[0])
    async with past(server.url) as then:
        await then.used(
            made[0].project, made[0].project.keys[0], at=AT, model="m", cost=UNIT // 4, flags=("estimated",)
        )
        await then.used(made[1].project, made[1].project.keys[0], at=AT, model="m")
    return made


async def test_books_that_balance_are_proved(server: ValkeyServer, books: tuple[Customer, Customer]) -> None:
    ended = await havuz("ledger", "verify", "--all", "--redis-url", server.url)
    assert (ended.code, ended.err) == (0, "")
    assert "default/acme (uid-acme): balances" in ended.out
    assert "USD: credited 10, granted 0, lapsed 0, balance 9.75, allowance 0, reserved 0, spent 0.25" in ended.out
    assert "1 usage events, 0 open requests" in ended.out
    assert ended.out.endswith("1 project checked, all in balance\n")


@pytest.mark.parametrize(("value", "told"), [("1", "spent is 1 and the sum of its usage events is 250000000"),
                                             ("much", "the books can't be read")])  # fmt: skip
async def test_a_broken_book_is_told_and_ends_with_1(
    server: ValkeyServer, redis: Redis, books: tuple[Customer, Customer], value: str, told: str
) -> None:
    await redis.hset(keys.account("uid-acme"), "spent", value)
    await top_up(redis, make_project(name="sound", billing=prepaid(UNIT)))
    ended = await havuz("ledger", "verify", HAVUZ_REDIS_URL=server.url)
    assert ended.code == 1
    assert "default/acme (uid-acme): DOES NOT BALANCE" in ended.out
    assert told in ended.out
    assert "uid-sound: balances" in ended.out  # a project that is not served any more has no name
    assert ended.out.endswith("2 projects checked, 1 out of balance\n")
    for one, code in (("default/acme", 1), ("uid-sound", 0)):
        assert (await havuz("ledger", "verify", "--project", one, "--redis-url", server.url)).code == code


async def test_a_wrong_call_ends_with_2_and_a_sentence(server: ValkeyServer, tmp_path: Path) -> None:
    redis_url = ("--redis-url", server.url)
    for arguments, told in (
        (("ledger", "verify", "--project", "default/none", *redis_url), "there is no project 'default/none'"),
        (("ledger", "verify", "--project", "a", "--all", *redis_url), "give one of them"),
        (("ledger", "verify"), "give --redis-url or HAVUZ_REDIS_URL"),
        (("ledger", "verify", "--redis-url", "http://x"), "the URL of Redis is wrong"),
        (("ledger", "verify", "--redis-url", f"unix://{tmp_path}/none"), "can't be read from Redis"),
        (("usage", "export", "--from", "now", *redis_url), "--from or --to can't be read: 'now' is neither"),
        (("usage", "export", "--from", "2026-11-02", "--to", "2026-11-01", *redis_url), "--to is not after --from"),
    ):
        ended = await havuz(*arguments, cwd=str(tmp_path))
        assert (ended.code, ended.out) == (2, ""), arguments
        assert told in ended.err
        assert ended.err.count("\n") == 1


async def test_what_local_mode_says_of_its_redis_is_found(
    server: ValkeyServer, books: tuple[Customer, Customer], tmp_path: Path
) -> None:
    (tmp_path / ".havuz").mkdir()
    (tmp_path / ".havuz" / "redis-url").write_text(server.socket_url + "\n")
    assert (await havuz("ledger", "verify", cwd=str(tmp_path))).code == 0


async def test_usage_is_exported_as_csv(server: ValkeyServer, redis: Redis, books: tuple[Customer, Customer]) -> None:
    ended = await havuz("usage", "export", "--redis-url", server.url)
    assert (ended.code, ended.err) == (0, "")
    acme, free = csv.DictReader(io.StringIO(ended.out))
    assert {name: acme[name] for name in ("time", "project", "project_uid", "key", "model", "status", "upstream")} == {
        "time": "2026-11-20T12:00:00.000Z", "project": "default/acme", "project_uid": "uid-acme",
        "key": books[0].project.keys[0].id, "model": "m", "status": "ok", "upstream": "default/a",
    }  # fmt: skip
    assert [acme[f"{name}_tokens"] for name in ("input", "output", "cache_read", "cache_write", "reasoning")] == [
        "10", "5", "4", "1", "0"
    ]  # fmt: skip
    assert (acme["cost"], acme["unit"], acme["flags"], acme["verdict"]) == ("0.25", "USD", "estimated", "settled")
    assert (free["project"], free["cost"]) == ("default/free", "0")


async def test_usage_is_exported_as_json_lines_of_one_project_and_a_span(
    server: ValkeyServer, redis: Redis, books: tuple[Customer, Customer]
) -> None:
    # the stream's own time is the server's, and says when the event came
    entry: tuple[bytes, dict[bytes, bytes]] = (await redis.xrevrange(keys.usage_stream("uid-acme"), count=1))[0]
    came = datetime.fromtimestamp(int(entry[0].split(b"-")[0]) / 1000, UTC)
    day = ("--from", f"{came:%Y-%m-%d}", "--to", f"{came:%Y-%m-%d}")
    export = ("usage", "export", "--format", "jsonl", "--project", "default/acme", "--redis-url", server.url)
    [line] = (await havuz(*export, *day)).out.splitlines()
    assert (json.loads(line)["cost"], json.loads(line)["input_tokens"]) == ("0.25", 10)
    assert (await havuz(*export, "--from", "2100-01-01")).out == ""
    assert (await havuz(*export, "--to", "2020-01-01")).out == ""
