"""Rules for every test: no network beyond this machine, and no task left behind."""

import asyncio
import inspect
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import settings

from harness.tiers import pytest_terminal_summary

__all__ = ["pytest_terminal_summary"]

# A busy machine is slow, not wrong.
settings.register_profile("havuz", deadline=None)
settings.load_profile("havuz")

# the last two are the range that is set aside for test networks, in which the node tier's own network is
_LOCAL = ("127.", "::1", "localhost", "0.0.0.0", "::ffff:127.", "198.18.", "198.19.")


def _refuse_the_network(event: str, args: tuple[Any, ...]) -> None:
    if event != "socket.connect":
        return
    address = args[1]
    if isinstance(address, tuple) and not str(address[0]).startswith(_LOCAL):
        raise RuntimeError(f"a test tried to reach {address[0]!r}: tests stay on this machine")


def pytest_configure(config: pytest.Config) -> None:
    sys.addaudithook(_refuse_the_network)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.function):
            item.fixturenames.insert(0, "no_pending_task")


@pytest.fixture
async def no_pending_task() -> AsyncIterator[None]:
    """Set up first and torn down last: whatever still runs then has no owner."""
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert not left, f"tasks left behind: {sorted(task.get_name() for task in left)}"
