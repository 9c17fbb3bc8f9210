"""The bench itself, as small as it can be: it starts, measures and prints. No figure is looked at."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
SMALL = ("--rounds", "1", "--seconds", "0.1", "--streams", "5", "--parts", "peers")


def test_two_targets_are_measured_in_turn() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "bench", *SMALL, "--only", "plain", "havuz"],
        cwd=ROOT, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr + ended.stdout
    first_cells = [line.split("|")[1].strip() for line in ended.stdout.splitlines() if line.startswith("| ")]
    assert first_cells.count("havuz") == 3  # requests, streams, ratios
    assert first_cells.count("plain aiohttp proxy") == 3
