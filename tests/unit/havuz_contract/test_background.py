"""Background work: named, restarted after a fault, and ended for good by `stop`."""

import asyncio

import pytest

from havuz_contract import background
from havuz_contract.background import Background


async def test_work_that_fails_is_told_and_started_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "_FIRST_PAUSE_SECONDS", 0.0)
    starts = 0
    again = asyncio.Event()

    async def work() -> None:
        nonlocal starts
        starts += 1
        if starts == 1:
            raise ValueError("once")
        again.set()
        await asyncio.Event().wait()

    owner = Background({"fragile": work})
    owner.start()
    async with asyncio.timeout(5):
        await again.wait()
    await owner.stop()
    assert [record.__dict__["work"] for record in caplog.records] == ["fragile"]


async def test_stop_insists_where_a_cancellation_is_swallowed() -> None:
    begun, swallowed = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            swallowed.set()  # as `asyncio.wait_for` of Python 3.11 can
        await asyncio.Event().wait()

    owner = Background({"deaf": work})
    owner.start()
    await begun.wait()
    async with asyncio.timeout(5):
        await owner.stop()
    assert swallowed.is_set()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "deaf"]


async def test_work_may_end_by_itself_and_stop_may_be_repeated() -> None:
    async def work() -> None:
        return

    owner = Background({"short": work})
    owner.start()
    await asyncio.sleep(0)
    await owner.stop()
    await owner.stop()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "short"]
