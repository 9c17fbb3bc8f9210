"""`python -m harness.fuzz [TARGET …]`: fuzz for HAVUZ_FUZZ_SECONDS (default 600); the exit code is 1 after a finding.

A finding is printed with the input that hypothesis shrank it to, and with the seed that leads to it again.
"""

import argparse
import os
import sys
import time
import traceback
from collections.abc import Mapping

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from harness.fuzz.targets import Target, targets

_SECONDS = 600.0
_BATCH = 100
_SETTINGS = settings(
    max_examples=_BATCH, deadline=None, database=None, suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)  # fmt: skip


def fuzz(seconds: float, *, first_seed: int, chosen: Mapping[str, Target]) -> list[str]:
    """Take the targets in turn, a batch each, until the time is over; what was found, a text for each target."""
    found: dict[str, str] = {}
    deadline, number = time.monotonic() + seconds, first_seed
    while time.monotonic() < deadline and len(found) < len(chosen):
        for name, target in chosen.items():
            if name not in found and time.monotonic() < deadline:
                finding = _batch(target, number)
                if finding is not None:
                    found[name] = f"{name} (seed {number}):\n{finding}"
        number += 1
    return list(found.values())


def _batch(target: Target, number: int) -> str | None:
    """The traceback of the smallest input that breaks a target, or None."""

    @seed(number)
    @_SETTINGS
    @given(st.data())
    def run(data: st.DataObject) -> None:
        target(data)

    try:
        run()
    except Exception:
        return traceback.format_exc()
    return None


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m harness.fuzz", description=__doc__)
    parser.add_argument("target", nargs="*", help="fuzz only targets whose name has this in it")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the first seed (default: the time)")
    arguments = parser.parse_args()
    seconds = float(os.environ.get("HAVUZ_FUZZ_SECONDS", _SECONDS))
    words = arguments.target or [""]
    chosen = {name: target for name, target in targets() if any(word in name for word in words)}
    if not chosen:
        parser.error(f"no target has {' or '.join(words)} in its name; there are: {', '.join(dict(targets()))}")
    findings = fuzz(seconds, first_seed=arguments.seed, chosen=chosen)
    print("\n".join(findings) or f"nothing found in {seconds:g} seconds (first seed {arguments.seed})")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
