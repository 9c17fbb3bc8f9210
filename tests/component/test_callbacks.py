"""Callbacks: told at least once, signed, tried again, given up, and told of."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp import web
from redis.asyncio import Redis

from harness.account import havuz
from harness.builders import Customer, fresh, make_project
from harness.callbacks import OUTSIDE, SOON, Sender, sending
from harness.redis_cluster import ClusterInstallation
from harness.strange_server import StrangeServer, fixed, leading_to
from harness.valkey import ValkeyServer
from harness.webhooks import verifies
from harness.world import World
from havuz_contract import keys
from havuz_contract.connection import connect
from havuz_contract.snapshot.envelope import Keyring
from havuz_gateway.callbacks.queue import Attempt
from havuz_gateway.callbacks.signing import WebhookSecrets, shown

BODY = b'{"code":200,"data":{"status":"SUCCESS"}}'


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyServer]:
    """A server of this file's own: a gateway on the shared one would deliver what is enqueued here."""
    with ValkeyServer() as server:
        yield server


@pytest.fixture
async def redis(valkey: ValkeyServer) -> AsyncIterator[Redis]:
    client = connect(valkey.url, name="test")
    yield client
    await client.aclose()


@pytest.fixture
async def receiver() -> AsyncIterator[StrangeServer]:
    async with StrangeServer(OUTSIDE) as server:
        server.answers["/hook"] = fixed(b"ok")
        yield server


@pytest.fixture
def project() -> str:
    return fresh("uid-of-callbacks")


async def test_the_end_of_a_task_is_told_once_and_verifies(
    redis: Redis, encryption_keys: str, receiver: StrangeServer, project: str
) -> None:
    async with sending(redis, encryption_keys) as sender:
        for _ in range(2):
            await sender.callbacks.enqueue(project, "task_1", url=receiver.url("/hook?token=t"), body=BODY)
        ended = await sender.settled(project, "task_1")
        await sender.callbacks.enqueue(project, "task_1", url=receiver.url("/hook"), body=BODY)
        assert (ended.state, [one.status for one in ended.attempts]) == ("delivered", [200])
        assert await sender.queue.failed(project) == []
    (heard,) = receiver.heard
    assert (heard.method, heard.body, heard.headers["content-type"]) == ("POST", BODY, "application/json")
    assert heard.headers["webhook-id"] == "msg_task_1"
    for version in (1, 2):
        secret = shown(sender.secrets.of(project, (version,))[0])
        assert verifies(secret, heard.headers, heard.body, now=time.time())
        assert not verifies(secret, heard.headers, heard.body + b" ", now=time.time())
    assert not verifies(shown(sender.secrets.of("another", (1,))[0]), heard.headers, heard.body, now=time.time())


async def test_what_fails_is_tried_again_and_the_log_says_how_it_went(
    redis: Redis, encryption_keys: str, receiver: StrangeServer, project: str
) -> None:
    answers = iter([fixed(status=500), leading_to("/elsewhere"), fixed(status=404), fixed(status=204)])

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return await next(answers)(request)

    receiver.answers["/hook"] = answer
    async with sending(redis, encryption_keys) as sender:
        await sender.callbacks.enqueue(project, "task", url=receiver.url("/hook"), body=BODY)
        ended = await sender.settled(project, "task")
    assert ended.state == "delivered"
    assert [one.status for one in ended.attempts] == [500, 302, 404, 204]
    assert ended.next_at is None
    assert {heard.path for heard in receiver.heard} == {"/hook"}
    assert len({heard.headers["webhook-id"] for heard in receiver.heard}) == 1


async def test_it_is_given_up_after_the_last_attempt_and_told_again_on_request(
    redis: Redis, encryption_keys: str, receiver: StrangeServer, project: str
) -> None:
    receiver.answers["/hook"] = fixed(status=500)
    async with sending(redis, encryption_keys) as sender:
        await sender.callbacks.enqueue(project, "task", url=receiver.url("/hook"), body=BODY)
        ended = await sender.settled(project, "task")
        assert (ended.state, len(ended.attempts)) == ("failed", 1 + len(SOON))
        assert await sender.queue.failed(project) == [(project, "task")]
        receiver.answers["/hook"] = fixed()
        assert await sender.queue.replay(project, "task")
        ended = await sender.settled(project, "task")
        assert (ended.state, len(ended.attempts)) == ("delivered", 2 + len(SOON))
        assert await sender.queue.failed(project) == []
        assert not await sender.queue.replay(project, "no-such-task")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://169.254.169.254/latest/meta-data", "not at a public address"),
        ("http://[::1]:8080/", "not at a public address"),
        ("http://127.1:8080/", "not at a public address"),
        ("http://localhost:8080/", "not at a public address"),
        ("ftp://example.com/", "not absolute http"),
    ],
)
async def test_a_url_inside_is_never_called_and_told(
    redis: Redis, encryption_keys: str, project: str, url: str, told: str
) -> None:
    async with sending(redis, encryption_keys) as sender:
        await sender.callbacks.enqueue(project, "task", url=url, body=BODY)
        ended = await sender.settled(project, "task")
    assert (ended.state, len(ended.attempts), ended.attempts[0].status) == ("failed", 1, None)
    assert told in (ended.attempts[0].error or "")


async def test_a_redirect_to_the_inside_is_not_followed(
    redis: Redis, encryption_keys: str, receiver: StrangeServer, project: str
) -> None:
    async with StrangeServer("127.0.0.1") as inside:
        receiver.answers["/hook"] = leading_to(inside.url("/"), status=307)
        async with sending(redis, encryption_keys, delays=()) as sender:
            await sender.callbacks.enqueue(project, "task", url=receiver.url("/hook"), body=BODY)
            ended = await sender.settled(project, "task")
        assert [one.status for one in ended.attempts] == [307]
        assert inside.heard == []


async def test_a_receiver_that_is_gone_is_not_called_again(
    redis: Redis, encryption_keys: str, receiver: StrangeServer, project: str
) -> None:
    receiver.answers["/hook"] = fixed(status=410)
    async with sending(redis, encryption_keys) as sender:
        await sender.callbacks.enqueue(project, "task", url=receiver.url("/hook"), body=BODY)
        ended = await sender.settled(project, "task")
        assert (ended.state, [one.status for one in ended.attempts]) == ("failed", [410])
        sender.gone.add(project)
        await sender.callbacks.enqueue(project, "other", url=receiver.url("/hook"), body=BODY)
        ended = await sender.settled(project, "other")
    assert ended.attempts[0].error == "the project does not exist any more"
    assert len(receiver.heard) == 1


async def test_pauses_grow_and_a_receiver_may_ask_for_a_longer_one(
    redis: Redis, encryption_keys: str, receiver: StrangeServer, project: str
) -> None:
    receiver.answers["/busy"] = fixed(status=503, retry_after="5000")
    receiver.answers["/hook"] = fixed(status=503, retry_after="1")
    async with sending(redis, encryption_keys, delays=(300.0,)) as sender:
        for task in ("busy", "hook"):
            await sender.callbacks.enqueue(project, task, url=receiver.url(f"/{task}"), body=BODY)
        waits = {}
        async with asyncio.timeout(20):
            while len(waits) < 2:
                for task in ("busy", "hook"):
                    found = await sender.callbacks.delivery(project, task)
                    if found is not None and found.attempts:
                        assert found.next_at is not None
                        waits[task] = found.next_at - found.attempts[0].at
                await asyncio.sleep(0.02)
    assert 300 <= waits["hook"] <= 340
    assert 5000 <= waits["busy"] <= 5010


async def test_what_a_dead_gateway_had_begun_is_told_by_another(
    redis: Redis, encryption_keys: str, receiver: StrangeServer, project: str
) -> None:
    dead = Sender(redis, encryption_keys, delays=SOON, lease=0.2)
    await dead.callbacks.enqueue(project, "task", url=receiver.url("/hook"), body=BODY)
    (claimed,) = [one for one in await dead.queue.claim(100, of_one_project=8) if one.project_uid == project]
    async with sending(redis, encryption_keys) as sender:
        assert (await sender.settled(project, "task")).state == "delivered"
    assert not await dead.queue.finish(claimed, "failed", attempt=Attempt(0.0, 0.0, 500))
    ended = await dead.queue.delivery(project, "task")
    assert ended is not None
    assert ended.state == "delivered"


async def test_one_projects_slow_receivers_do_not_hold_up_anothers(
    redis: Redis, encryption_keys: str, receiver: StrangeServer, project: str
) -> None:
    release = asyncio.Event()

    async def hang(request: web.BaseRequest) -> web.StreamResponse:
        await release.wait()
        return web.Response()

    receiver.answers["/slow"] = hang
    other = fresh("uid-of-callbacks")
    async with sending(redis, encryption_keys) as sender:
        for number in range(80):
            await sender.callbacks.enqueue(project, f"slow-{number}", url=receiver.url("/slow"), body=BODY)
        await sender.callbacks.enqueue(other, "quick", url=receiver.url("/hook"), body=BODY)
        assert (await sender.settled(other, "quick")).state == "delivered"
        assert sum(heard.path == "/slow" for heard in receiver.heard) < 16
        release.set()


async def test_nothing_of_a_callback_lies_open_in_redis_or_stays_for_ever(
    redis: Redis, encryption_keys: str, project: str
) -> None:
    sender = Sender(redis, encryption_keys, delays=SOON, lease=60)
    await sender.queue.add(project, "task", url="https://example.com/?token=secret", body=BODY)
    record = keys.callback(project, "task")
    assert "secret" not in repr(await redis.hgetall(record))  # type: ignore[misc]
    for key in (record, keys.callbacks_due(project), keys.CALLBACKS_PROJECTS):
        assert 6 * 86_400 < await redis.ttl(key) <= 7 * 86_400
    with pytest.raises(ValueError, match="letters, digits"):
        await sender.queue.add(project, "../task", url="https://example.com", body=BODY)


async def test_callbacks_work_in_a_redis_cluster(
    cluster: ClusterInstallation, encryption_keys: str, receiver: StrangeServer, project: str
) -> None:
    client = connect(cluster.url, name="test")
    try:
        async with sending(client, encryption_keys) as sender:
            await sender.callbacks.enqueue(project, "task", url=receiver.url("/hook"), body=BODY)
            assert (await sender.settled(project, "task")).state == "delivered"
            assert await sender.queue.replay(project, "task")
            await receiver.wait_for(2)
    finally:
        await client.aclose()


@pytest.fixture
async def customer(valkey: ValkeyServer, encryption_keys: str) -> Customer:
    made = make_project(webhook_versions=(3, 2))
    async with World(redis_url=valkey.url, encryption_keys=encryption_keys) as world:
        await world.apply(made)
    return made


async def test_the_commands_show_the_secret_and_what_failed_and_tell_it_again(
    redis: Redis, valkey: ValkeyServer, encryption_keys: str, customer: Customer
) -> None:
    project = customer.project
    own = {"HAVUZ_ENCRYPTION_KEYS": encryption_keys, "HAVUZ_REDIS_URL": valkey.url}
    secrets = [shown(one) for one in WebhookSecrets(Keyring.parse(encryption_keys)).of(project.uid, (3, 2))]
    ended = await havuz("webhooks", "secret", "--project", project.name, **own)
    assert (ended.code, ended.out.split(), ended.err) == (0, secrets[:1], "")
    ended = await havuz("webhooks", "secret", "--all", "--project", project.name, **own)
    assert ended.out.split() == secrets

    async with sending(redis, encryption_keys) as sender:
        await sender.callbacks.enqueue(project.uid, "task", url="http://127.0.0.1/", body=BODY)
        await sender.settled(project.uid, "task")
    ended = await havuz("webhooks", "failed", "--project", project.name, **own)
    assert ended.out.startswith(f"{project.name}\ttask\t1 attempts\tthe host '127.0.0.1'")
    ended = await havuz("webhooks", "log", "--project", project.name, "--task", "task", **own)
    first, last = ended.out.splitlines()
    assert "the host '127.0.0.1' of the URL is not at a public address" in first
    assert last == "failed"
    ended = await havuz("webhooks", "replay", "--project", project.name, "--failed", **own)
    assert (ended.code, ended.out) == (0, "1 callback will be delivered once more\n")
    found = await sender.queue.delivery(project.uid, "task")
    assert found is not None
    assert found.state == "pending"
    ended = await havuz("webhooks", "replay", "--project", project.name, "--task", "nothing", **own)
    assert (ended.code, ended.out) == (1, "0 callbacks will be delivered once more\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("secret",), "give --project"),
        (("replay", "--task", "x"), "without --project"),
        (("log", "--task", "x"), "give --project"),
        (("secret", "--project", "default/nobody"), "there is no project 'default/nobody'"),
    ],
)
async def test_a_command_that_lacks_something_says_what(
    valkey: ValkeyServer, encryption_keys: str, arguments: tuple[str, ...], told: str
) -> None:
    own = {"HAVUZ_ENCRYPTION_KEYS": encryption_keys, "HAVUZ_REDIS_URL": valkey.url}
    ended = await havuz("webhooks", *arguments, **own)
    assert ended.code == 2
    assert told in ended.err
