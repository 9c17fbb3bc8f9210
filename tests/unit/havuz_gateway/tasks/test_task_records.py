"""Records of tasks: what goes in comes out, and what a client is told of each state."""

from dataclasses import replace

import pytest

from harness.builders import make_project
from havuz_gateway.metering.meter import Settlement
from havuz_gateway.protocols.usage import Usage
from havuz_gateway.tasks.answer import status_answer
from havuz_gateway.tasks.record import (
    NOT_IN_TIME,
    Order,
    Outcome,
    RecordUnreadable,
    Task,
    Terms,
    as_of,
    pack_order,
    pack_outcome,
    unpack_order,
    unpack_outcome,
)

PROJECT = make_project(name="shop").project
KEY = PROJECT.keys[0]
TERMS = Terms(
    project=PROJECT.model_copy(update={"keys": ()}), key=KEY, model="m", metered=True, reserved=True,
    ceiling=10 * 10**9, day="20261121",
)  # fmt: skip
ORDER = Order(
    action="image", body={"model": "m", "prompt": "fü\ud800chse"}, request={"prompt": "füchse"}, terms=TERMS,
    base_url="https://api.example.com", path="/api/generate", callback_url="https://example.com/hook",
    headers={"traceparent": "00-1-2-01"},
)  # fmt: skip
USED = Settlement(status="ok", cost=1_500_000, usage=Usage(input=5, output=7, images=1), flags=("estimated",))
TASK = Task(id="img1", status="PENDING", created=1_734_602_400.0, due=1_734_606_000.0, order=ORDER)


def test_an_order_is_read_as_it_was_written_without_the_keys_of_its_project() -> None:
    whole = replace(ORDER, terms=replace(TERMS, project=PROJECT))
    assert unpack_order(pack_order(whole)) == ORDER
    assert KEY.sha256.encode() in pack_order(whole)
    assert PROJECT.keys[1].sha256.encode() not in pack_order(whole)


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome("SUCCESS", files=("20261128-00.png",), settlement=USED),
        Outcome("SUCCESS", files=("20261128-00.png",)),
        Outcome("FAILED", error="no", settlement=Settlement(status="error")),
    ],
    ids=["paid", "free", "failed"],
)
def test_an_outcome_is_read_as_it_was_written(outcome: Outcome) -> None:
    assert unpack_outcome(pack_outcome(outcome)) == outcome


@pytest.mark.parametrize("damaged", [b"", b"[]", b"{}", b'{"version":2}', b'{"version":1}', b"\xff"])
def test_what_is_no_record_is_told_apart(damaged: bytes) -> None:
    for read in (unpack_order, unpack_outcome):
        with pytest.raises(RecordUnreadable):
            read(damaged)


def test_an_open_task_holds_what_it_may_cost() -> None:
    assert status_answer(TASK, ()) == {
        "code": 200,
        "message": "success",
        "data": {
            "task_id": "img1", "status": "PENDING", "consumed_credits": 10, "created_at": "2024-12-19T10:00:00Z",
        },
    }  # fmt: skip


def test_a_task_that_succeeded_tells_what_it_cost_and_where_its_pictures_are() -> None:
    done = replace(TASK, status="SUCCESS", outcome=Outcome("SUCCESS", files=("a",), settlement=USED))
    data = status_answer(done, ["https://x/a"])["data"]
    assert (data["consumed_credits"], data["response"], data["request"]) == (
        0.0015, ["https://x/a"], {"prompt": "füchse"},
    )  # fmt: skip


def test_a_task_whose_time_is_over_is_seen_as_failed() -> None:
    assert as_of(TASK, TASK.due + 60, margin=60) is TASK
    late = as_of(TASK, TASK.due + 61, margin=60)
    data = status_answer(late, ())["data"]
    assert (data["status"], data["consumed_credits"], data["error_message"]) == ("FAILED", 0, NOT_IN_TIME)
