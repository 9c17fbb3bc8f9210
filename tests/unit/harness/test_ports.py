"""The harness gives no port away twice, neither within a run nor to two runs at a time."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness import ports
from harness.ports import Ports, free_port

_HOLDER = """
import sys
from pathlib import Path
from harness.ports import Ports
print(Ports(Path(sys.argv[1])).free(), flush=True)
sys.stdin.read()
"""


def test_no_port_is_handed_out_twice() -> None:
    handed = [free_port() for _ in range(100)] + [one for _ in range(50) for one in _pair()]

    assert len(set(handed)) == len(handed)


def test_a_port_of_another_run_is_left_alone_until_that_run_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locks = tmp_path / "locks"
    tests = Path(__file__).parents[2]
    other = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(locks)],
        env={"PYTHONPATH": str(tests)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with other:
        assert other.stdin is not None
        assert other.stdout is not None
        port = int(other.stdout.readline())
        monkeypatch.setattr(ports, "_FIRST", port)
        monkeypatch.setattr(ports, "_LAST", port)
        ours = Ports(locks)
        with pytest.raises(RuntimeError, match="no free port"):
            ours.free()
        other.stdin.close()
        other.wait()

    assert ours.free() == port


def _pair() -> tuple[int, int]:
    port = free_port(beside=1)
    return port, port + 1
