"""Requests for keys over a real Valkey: bounded, done once, sealed, and a new key is shown once."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from harness.valkey import ValkeyServer
from havuz_contract import keys
from havuz_contract.key_requests import (
    ANSWER_SECONDS,
    MOST_OPEN,
    WAITS_SECONDS,
    KeyAnswer,
    KeyRequest,
    KeyRequests,
    TooManyRequestsError,
)
from havuz_contract.snapshot.envelope import Keyring

RING = Keyring.parse(Keyring.generate())
NEW_KEY = "pk_live_brand_new_0123456789"
DONE = KeyAnswer("Done", "Key 'live' was reset.", NEW_KEY)


def request(number: int = 1, **fields: Any) -> KeyRequest:
    given = {"action": "Reset", "project_uid": "p1", "namespace": "ai", "project": "shop", "key": "live"}
    return KeyRequest(id=f"request-{number:012}", asked_at=float(number), asked_by="key_1", **(given | fields))


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    with ValkeyServer() as running:
        yield running


@pytest.fixture
async def redis(server: ValkeyServer) -> AsyncIterator[Any]:
    client = Redis.from_url(server.socket_url)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
def desk(redis: Any) -> KeyRequests:
    return KeyRequests(redis, RING)


async def test_a_request_waits_until_it_is_answered_and_its_new_key_is_shown_once(desk: KeyRequests) -> None:
    await desk.ask(request())
    assert await desk.pending() == [request()]
    waiting = await desk.take("p1", request().id)
    assert waiting is not None
    assert waiting.state == "Waiting"
    await desk.answer(request(), DONE)
    assert await desk.pending() == []
    assert await desk.take("p1", request().id) == DONE
    assert await desk.take("p1", request().id) == replace(DONE, key=None)


async def test_a_request_that_was_asked_before_is_not_asked_again(desk: KeyRequests) -> None:
    await desk.ask(request())
    await desk.ask(request(key="other"))
    assert await desk.pending() == [request()]
    await desk.answer(request(), DONE)
    await desk.ask(request())
    assert await desk.pending() == []


async def test_only_the_first_answer_counts(desk: KeyRequests) -> None:
    await desk.ask(request())
    await desk.answer(request(), KeyAnswer("Refused", "No."))
    await desk.answer(request(), DONE)
    assert await desk.take("p1", request().id) == KeyAnswer("Refused", "No.")


async def test_a_project_has_so_many_open_requests_and_takes_none_from_others(desk: KeyRequests) -> None:
    for number in range(MOST_OPEN):
        await desk.ask(request(number))
    with pytest.raises(TooManyRequestsError, match="'p1' has 8 open requests"):
        await desk.ask(request(99))
    await desk.ask(request(100, project_uid="p2"))
    assert [one.project_uid for one in await desk.pending()] == ["p1"] * MOST_OPEN + ["p2"]
    await desk.answer(request(3), DONE)
    await desk.ask(request(99))
    assert len(await desk.pending()) == MOST_OPEN + 1


async def test_an_answer_is_for_the_project_that_asked(desk: KeyRequests) -> None:
    await desk.ask(request())
    await desk.answer(request(), DONE)
    assert await desk.take("p2", request().id) is None
    assert await desk.take("p1", "request-of-nobody") is None
    assert await desk.take("p1", "../../p2") is None


async def test_nothing_is_in_clear_and_everything_ends_by_itself(redis: Any, desk: KeyRequests) -> None:
    await desk.ask(request(1))
    await desk.ask(request(2))
    await desk.answer(request(1), DONE)
    dumped = b"".join([await redis.dump(name) for name in await redis.keys("*")])
    assert NEW_KEY.encode() not in dumped
    assert b"Reset" not in dumped
    assert 0 < await redis.ttl(keys.key_requests("p1")) <= WAITS_SECONDS
    assert 0 < await redis.ttl(keys.key_answer("p1", request(1).id)) <= ANSWER_SECONDS
    await redis.delete(keys.key_requests("p1"))
    assert await desk.pending() == []
    assert await redis.keys("*projects*") == []


async def test_what_was_not_sealed_with_our_keys_for_this_place_is_no_request(redis: Any, desk: KeyRequests) -> None:
    stranger = KeyRequests(redis, Keyring.parse(Keyring.generate()))
    await stranger.ask(request(1))
    await desk.ask(request(2))
    sealed = await redis.hget(keys.key_requests("p1"), request(2).id)
    await redis.hset(keys.key_requests("p1"), request(3).id, sealed)
    await redis.hset(keys.key_requests("p1"), request(4).id, "nonsense")
    assert await desk.pending() == [request(2)]


async def test_an_id_that_could_be_guessed_is_refused(desk: KeyRequests) -> None:
    with pytest.raises(ValueError, match="'short' of a request must be 16 to 64"):
        await desk.ask(replace(request(), id="short"))
