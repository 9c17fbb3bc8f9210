"""The election, with a Lease in memory and a clock that the test turns."""

import asyncio
import copy
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from havuz_operator import leadership
from havuz_operator.kube import KubeError
from havuz_operator.leadership import GIVE_UP_SECONDS, LEASE_SECONDS, Leadership


class Store:
    """One Lease as an API server keeps it. `away` makes every call fail."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.away = False

    async def read_lease(self, namespace: str, name: str) -> dict[str, Any] | None:
        self._answer()
        return copy.deepcopy(self.lease)

    async def write_lease(self, body: Mapping[str, Any]) -> dict[str, Any] | None:
        self._answer()
        version = None if self.lease is None else self.lease["metadata"]["resourceVersion"]
        if body["metadata"].get("resourceVersion") != version:
            return None
        self.lease = copy.deepcopy(dict(body))
        self.lease["metadata"]["resourceVersion"] = str(int(version or 0) + 1)
        return copy.deepcopy(self.lease)

    def _answer(self) -> None:
        if self.away:
            raise KubeError(0, "the API server did not answer")


class Clock:
    """Monotonic seconds, as far as the test has turned them."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> float:
        return self.seconds

    def wall(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leadership, "LOOK_SECONDS", 0.005)
    monkeypatch.setattr(leadership, "RENEW_SECONDS", 0.005)


def operator(store: Store, clock: Clock, holder: str) -> Leadership:
    return Leadership(store, namespace="ns", name="lease", holder=holder, now=clock.now, wall=clock.wall)


async def leads(one: Leadership, seconds: float = 0.05) -> bool:
    try:
        await asyncio.wait_for(one.acquire(), seconds)
    except TimeoutError:
        return False
    return True


async def test_one_of_two_leads_and_the_other_only_after_the_lease_has_run_out() -> None:
    store, clock = Store(), Clock()
    first, second = operator(store, clock, "a"), operator(store, clock, "b")
    assert await leads(first)
    assert not await leads(second)
    clock.seconds += LEASE_SECONDS - 1
    assert not await leads(second)
    clock.seconds += 2
    assert await leads(second)
    assert store.lease is not None
    assert (store.lease["spec"]["holderIdentity"], store.lease["spec"]["leaseTransitions"]) == ("b", 2)


async def test_a_lease_that_is_renewed_never_runs_out() -> None:
    store, clock = Store(), Clock()
    first, second = operator(store, clock, "a"), operator(store, clock, "b")
    assert await leads(first)
    keeping = asyncio.create_task(first.lost())
    for _ in range(10):
        assert not await leads(second, 0.02)
        clock.seconds += 2
    assert not keeping.done()
    keeping.cancel()


async def test_who_can_not_renew_stops_before_another_may_begin() -> None:
    store, clock = Store(), Clock()
    first = operator(store, clock, "a")
    assert await leads(first)
    store.away = True
    losing = asyncio.create_task(first.lost())
    await asyncio.sleep(0.03)
    assert not losing.done()
    clock.seconds += GIVE_UP_SECONDS + 0.1
    await asyncio.wait_for(losing, 1)
    assert GIVE_UP_SECONDS < LEASE_SECONDS


async def test_who_finds_another_holder_stops_at_once() -> None:
    store, clock = Store(), Clock()
    first, second = operator(store, clock, "a"), operator(store, clock, "b")
    assert await leads(first)
    assert not await leads(second)  # it has seen the record
    clock.seconds += LEASE_SECONDS + 1  # the first was paused all the while
    assert await leads(second)
    clock.seconds -= LEASE_SECONDS  # its own clock says that there is time left
    await asyncio.wait_for(first.lost(), 1)


async def test_a_released_lease_is_taken_at_once() -> None:
    store, clock = Store(), Clock()
    first, second = operator(store, clock, "a"), operator(store, clock, "b")
    assert await leads(first)
    await first.release()
    assert await leads(second)
    await first.release()  # is not its own any more
    assert store.lease is not None
    assert store.lease["spec"]["holderIdentity"] == "b"


async def test_an_api_server_that_is_away_is_waited_for() -> None:
    store, clock = Store(), Clock()
    store.away = True
    first = operator(store, clock, "a")
    assert not await leads(first)
    store.away = False
    assert await leads(first)
