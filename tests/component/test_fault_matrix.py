"""Every way in which a key fails, with few clients; `make fault-matrix` is the same under load, with times."""

import pytest

from harness.fault_cell import Cell, run_cell
from harness.fault_kinds import FAULT_KINDS, FaultKind
from harness.gateway import GatewayProcess
from harness.world import World

_REQUESTS = 24
_CLIENTS = 6
EACH = pytest.mark.parametrize("kind", FAULT_KINDS, ids=[kind.name.replace(" ", "-") for kind in FAULT_KINDS])
BOTH = pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])


@EACH
@BOTH
async def test_no_client_sees_a_failing_key_while_one_is_well(
    world: World, gateway: GatewayProcess, kind: FaultKind, stream: bool
) -> None:
    cell = Cell(kind, stream, keys=4, bad=3, clients=_CLIENTS)
    outcome = await run_cell(world, gateway, cell, more=lambda number: number <= _REQUESTS)
    assert (outcome.false_ends, outcome.twice) == (0, 0)
    if kind.reaches_client and stream:
        assert set(outcome.errors) == {"error event"}
    else:
        assert (outcome.errors, outcome.answers) == ({}, _REQUESTS)


@EACH
@BOTH
async def test_a_pool_of_failing_keys_alone_answers_nothing_and_says_so(
    world: World, gateway: GatewayProcess, kind: FaultKind, stream: bool
) -> None:
    cell = Cell(kind, stream, keys=2, bad=2, clients=2)
    outcome = await run_cell(world, gateway, cell, more=lambda number: number <= 4)
    assert (outcome.answers, outcome.false_ends, outcome.twice) == (0, 0, 0)
    allowed = {"error event"} if kind.reaches_client and stream else {"429", "503"}
    assert set(outcome.errors) <= allowed
    assert outcome.error_share == 1.0
