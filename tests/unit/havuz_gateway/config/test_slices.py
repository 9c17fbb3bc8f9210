"""A configuration of thousands of objects is applied in pieces, between which others have their turn."""

import asyncio
from collections.abc import Awaitable

from harness.builders import make_project, make_route, make_upstream
from havuz_contract import keys
from havuz_contract.snapshot import wire
from havuz_contract.snapshot.envelope import Keyring
from havuz_contract.snapshot.models import Snapshot
from havuz_gateway.config.slices import Slices
from havuz_gateway.config.state import Decoder, State
from havuz_gateway.config.view import Indexing, View
from havuz_gateway.pool.pool import Pool
from havuz_gateway.providers.mock import MockTransport
from havuz_gateway.providers.registry import provider_for

KEYRING = Keyring.parse(Keyring.generate())
MOST_PARTS, MOST_ENTRIES = 40, 500  # that are worked on between two turns


async def turns_during(work: Awaitable[object]) -> int:
    """How often others had a turn."""
    turns, task = 0, asyncio.ensure_future(work)
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    await task
    return turns


async def test_decoding_stops_every_few_parts() -> None:
    text = wire.encode(make_project().project, KEYRING)
    texts = {keys.PROJECTS: {f"uid-{number}": text for number in range(10 * MOST_PARTS)}}

    assert await turns_during(Decoder(KEYRING).whole(texts, State(), revision=1, position="1-0")) >= 10


async def test_letting_go_of_what_was_served_before_stops_every_few_parts() -> None:
    held: list[object] = [object() for _ in range(10 * MOST_PARTS)]

    assert await turns_during(Slices().let_go(held)) >= 10
    assert held == []


def test_an_index_is_made_in_steps_of_few_entries_and_is_the_same_as_at_once() -> None:
    routes = [make_route(make_upstream(), aliases=(f"alias-{number}",)) for number in range(600)]
    projects = [make_project().project for _ in range(1_200)]
    snapshot = Snapshot(
        routes={route.uid: route for route in routes}, projects={project.uid: project for project in projects}
    )
    indexing = Indexing(snapshot, None)
    costs = list(indexing.steps())

    assert max(costs) <= MOST_ENTRIES
    assert sum(costs) >= len(projects) + len(routes)
    assert indexing.index == View(snapshot, 1).index


def test_a_pool_follows_what_was_prepared_for_it() -> None:
    mock = MockTransport(lambda: 0.0)
    pool = Pool(lambda upstream, provider: mock, provider_for)
    upstreams = {one.uid: one for one in (make_upstream() for _ in range(120))}
    joined: list[str] = []
    pool.on_joined.append(lambda member: joined.append(member.upstream.uid))

    assert len(list(pool.prepare(upstreams))) >= 2
    assert pool.members == {}
    pool.sync(upstreams)
    assert [*pool.members] == joined == [*upstreams]
    assert list(pool.prepare(dict(upstreams)))  # another configuration is prepared anew
    pool.sync({})
    assert pool.members == {}


async def test_a_part_that_means_the_same_in_another_text_stays_the_very_same() -> None:
    upstream = make_upstream("http://127.0.0.1:1/v1")

    async def loaded(before: State, revision: int) -> State:
        texts = {keys.UPSTREAMS: {upstream.uid: wire.encode(upstream, KEYRING)}}  # sealed anew
        return await Decoder(KEYRING).whole(texts, before, revision=revision, position=f"{revision}-0")

    before = await loaded(State(), 1)
    after = await loaded(before, 2)
    assert after.texts != before.texts
    assert after.parts[keys.UPSTREAMS][upstream.uid] is before.parts[keys.UPSTREAMS][upstream.uid]
