"""What ran of each tier, said at the end of every run: a tier that was skipped is never silent."""

from collections import Counter

import pytest

TIERS = ("house", "unit", "golden", "component", "faults", "clients", "apiserver", "browser", "e2e")
# Tiers that need what this version does not have yet, or another target than `make test`.
ELSEWHERE = {
    "faults": "minutes of kills and restarts: `make faults`",
    "e2e": "installs and breaks a cluster: `make e2e` as root, or with KUBECONFIG",
}


def tier_of(nodeid: str) -> str:
    """`tests/unit/…` belongs to `unit`."""
    parts = nodeid.split("/")
    return parts[1] if len(parts) > 1 and parts[0] == "tests" else parts[0]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line a tier: how many passed, failed and were skipped."""
    counted: dict[str, Counter[str]] = {tier: Counter() for tier in TIERS}
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            counted.setdefault(tier_of(report.nodeid), Counter())[outcome] += 1
    if sum(1 for counts in counted.values() if counts) < 2:
        return  # a run of one tier needs no summary
    terminalreporter.section("tiers")
    for tier, counts in counted.items():
        if counts:
            said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        else:
            said = f"did not run: {ELSEWHERE.get(tier, 'not chosen')}"
        terminalreporter.write_line(f"{tier:<10} {said}")
