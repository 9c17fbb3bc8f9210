"""The simulation of a fleet, small: it runs, and it heals."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SMALL = ("--pods", "2", "--keys", "10", "--rate", "30")


def _cells(scenario: str) -> list[str]:
    ended = subprocess.run(
        [sys.executable, "-m", "bench.simulation", *SMALL, "--only", scenario],
        cwd=ROOT, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, "")
    return [cell.strip() for cell in ended.stdout.splitlines()[-1].strip("|").split("|")][
        :-1
    ]  # without how long it took


@pytest.mark.parametrize("scenario", ["refused", "failing"])
def test_a_pool_that_lost_keys_heals(scenario: str) -> None:
    _, _, requests, _, attempts, known, back, *_ = _cells(scenario)
    assert int(requests.replace(",", "")) > 500
    assert float(attempts) > 1
    assert known.endswith(" s")
    assert back.endswith(" s")


def test_a_limit_is_overshot_by_a_part() -> None:
    assert 0 < float(_cells("limited")[7].removesuffix("%")) < 100
