"""What a relayed request and a relayed event cost, in things that can be counted exactly.

The bounds are a few per cent above what is. Whoever makes the hot path cheaper lowers them; whoever needs more of it
says in the change why it is worth that to every request.
"""

import asyncio
import gc
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from harness.socketless import Socketless

# Functions and methods that are entered, and coroutines that are gone on with.
MOST_CALLS = {False: 230, True: 300}  # by whether the request is paid for
MOST_CALLS_PER_EVENT = 5
_OURS = ("havuz_gateway", "havuz_contract", "<string>")  # the last one: what dataclasses make
_COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>")  # frames of their own up to Python 3.11 only


class _Counter:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_name not in _COMPREHENSIONS:
            self.calls += any(ours in code.co_filename for ours in _OURS)


async def calls_of(gateway: Socketless) -> int:
    """How many functions of ours one request enters, once everything is known that is found only once."""
    for _ in range(40):  # every upstream is asked at least once
        await gateway.ask()
        await asyncio.sleep(0)
    counter = _Counter()
    before = sys.getprofile()
    gc.collect()
    gc.disable()  # what others left behind is not ours to count
    sys.setprofile(counter)
    try:
        await gateway.ask()
    finally:
        sys.setprofile(before)
        gc.enable()
    return counter.calls


@pytest.mark.parametrize("paying", [False, True], ids=["unmetered", "prepaid"])
async def test_a_relayed_request_enters_no_more_functions_than_it_has(paying: bool) -> None:
    found = await calls_of(Socketless(paying=paying))
    assert 0.85 * MOST_CALLS[paying] <= found <= MOST_CALLS[paying]


async def test_a_relayed_event_enters_no_more_functions_than_it_has() -> None:
    few, many = await calls_of(Socketless(events=10)), await calls_of(Socketless(events=110))
    assert (many - few) / 100 == MOST_CALLS_PER_EVENT


@pytest.mark.parametrize(("paying", "calls"), [(False, 1), (True, 2)], ids=["unmetered", "prepaid"])
async def test_redis_is_asked_once_to_let_in_and_once_to_settle(paying: bool, calls: int) -> None:
    gateway = Socketless(paying=paying)
    await gateway.ask()
    before = gateway.redis.calls
    for _ in range(5):
        client = await gateway.ask()
        assert client.status == 200
    assert gateway.redis.calls - before == 5 * calls


@pytest.mark.parametrize(("events", "timers"), [(None, 2), (20, 4)], ids=["whole", "streamed"])
async def test_a_request_makes_no_task_and_few_timers(
    events: int | None, timers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = Socketless(events=events)
    await gateway.ask()
    loop = asyncio.get_running_loop()
    made = {"call_at": 0, "create_task": 0}
    for name in made:
        monkeypatch.setattr(loop, name, _counted(getattr(loop, name), made, name))
    await gateway.ask()
    assert made == {"call_at": timers, "create_task": 0}  # call_later comes by call_at


def _counted(function: Callable[..., Any], made: dict[str, int], name: str) -> Callable[..., Any]:
    def counted(*arguments: Any, **named: Any) -> Any:
        made[name] += 1
        return function(*arguments, **named)

    return counted
