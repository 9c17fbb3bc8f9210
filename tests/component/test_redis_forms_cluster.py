"""Redis Cluster: six nodes; projects on each of them, slots on the move."""

import asyncio
import time
from pathlib import Path

from harness.caller import calling
from harness.fixtures import StartGateway
from harness.metering import UNIT
from harness.money_round import open_shop
from harness.paying import paying
from harness.redis_cluster import ClusterInstallation
from harness.tasks import PRICES, ROUTE, drawn, ended, order, studio
from harness.world import World
from havuz_contract import keys
from havuz_contract.verdicts import in_force
from havuz_gateway.metering.ledger import projects_with_books
from havuz_gateway.pool.bulletin import Bulletin, SharedVerdict


async def test_projects_on_every_node_are_served_billed_and_proved(
    cluster: ClusterInstallation, cluster_world: World, start_gateway: StartGateway
) -> None:
    gateway = start_gateway(redis_url=cluster.url)
    cluster_world.gateways.append(gateway)
    shops = [await open_shop(cluster_world, pays_for=2) for _ in range(8)]
    assert len({cluster.holder_of(keys.account(shop.uid)).port for shop in shops}) > 1
    for shop in shops:
        assert [await shop.ask(gateway) for _ in range(3)] == [200, 200, 402]
        proof = await shop.settled(2)
        assert (proof.faults, proof.settled, proof.account.balance) == ((), 2 * UNIT, 0)
    assert {shop.uid for shop in shops} <= set(await projects_with_books(cluster_world.redis))
    assert "Traceback" not in gateway.log


async def test_a_slot_on_the_move_is_followed_to_its_new_node(
    cluster: ClusterInstallation, cluster_world: World, start_gateway: StartGateway
) -> None:
    gateway = start_gateway(redis_url=cluster.url)
    cluster_world.gateways.append(gateway)
    shop = await open_shop(cluster_world, pays_for=4)
    assert await shop.ask(gateway) == 200
    await shop.settled(1)
    move = cluster.begin_move(keys.account(shop.uid))
    assert await shop.ask(gateway) == 503  # no script runs in a slot that is neither here nor there
    waiting = asyncio.create_task(shop.ask(gateway))
    await asyncio.to_thread(move.end)
    assert await waiting == 200
    assert [await shop.ask(gateway) for _ in range(3)] == [200, 200, 402]
    proof = await shop.settled(4)
    assert (proof.faults, proof.settled) == ((), 4 * UNIT)


async def test_a_configuration_that_moves_to_another_node_is_followed(
    cluster: ClusterInstallation, cluster_world: World, start_gateway: StartGateway
) -> None:
    gateway = start_gateway(redis_url=cluster.url)
    cluster_world.gateways.append(gateway)
    cluster.begin_move(keys.META).end()
    shop = await open_shop(cluster_world, pays_for=1)
    assert [await shop.ask(gateway) for _ in range(2)] == [200, 402]


async def test_responses_are_kept_and_gone_on_from(
    cluster: ClusterInstallation, cluster_world: World, start_gateway: StartGateway
) -> None:
    gateway = start_gateway(redis_url=cluster.url)
    cluster_world.gateways.append(gateway)
    for _ in range(3):
        customer, route = await cluster_world.serve()
        async with calling(gateway.base_url, customer.live) as caller:
            body = {"model": route.model, "input": "One"}
            first = (await caller.post("/v1/responses", body)).json["id"]
            second = await caller.post("/v1/responses", {**body, "previous_response_id": first})
            assert (second.status, second.headers.get("x-havuz-stored")) == (200, None)
            named = [{"type": "item_reference", "id": second.json["output"][0]["id"]}]
            assert (await caller.post("/v1/responses", {**body, "input": named})).status == 200
            assert (await caller.send("DELETE", f"/v1/responses/{first}")).status == 200
            assert (await caller.get(f"/v1/responses/{first}")).status == 404


async def test_orders_are_drawn_settled_and_forgotten_by_the_queue(
    cluster: ClusterInstallation, cluster_world: World, encryption_keys: str, tmp_path: Path
) -> None:
    with studio(cluster.url, encryption_keys, tmp_path, task_lease="1") as gateway:
        cluster_world.gateways.append(gateway)
        async with paying(cluster_world, gateway, prices=PRICES, route=ROUTE) as customer:
            customer.provider.always(drawn(delay=1.5))  # longer than the lease, so that it is kept in hand, too
            data = await ended(customer.caller, await order(customer.caller))
            (event,) = await customer.closed(1)
            assert (data["status"], event["cost"], len(customer.provider.requests)) == ("SUCCESS", str(10**10), 1)
            assert (await customer.proof()).faults == ()
        assert "Traceback" not in gateway.log


async def test_a_verdict_is_told_once_and_stands_in_force(cluster_world: World) -> None:
    bulletin, now = Bulletin(cluster_world.redis), time.time()
    found = SharedVerdict(
        gateway="one", upstream="key", name="default/key", connection="c", scope="key", state="Rejected", until=now + 60
    )
    again = found.model_copy(update={"gateway": "other", "until": now + 61})
    assert [await bulletin.tell([one], now) for one in (found, again)] == [1, 0]
    _, told = await in_force(cluster_world.redis)
    assert found.model_dump_json().encode() in told
