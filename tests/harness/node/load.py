"""Constant load on the gateways from a pod, and what became of every request, step by step."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from harness.cluster.cluster import Cluster

_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Ended:
    """One request of the load, or one connection (kind `again`): begin and end in Unix time, and what went wrong."""

    kind: str
    began: float
    ended: float
    error: str | None


@dataclass(slots=True)
class Step:
    """What ended while one thing was done to the installation."""

    name: str
    requests: list[Ended] = field(default_factory=list)
    seconds: float = 0.0

    def failed(self, kind: str | None = None) -> list[Ended]:
        """What a client saw fail, of one kind or of all."""
        return [one for one in self.requests if one.error and one.kind != "again" and kind in (None, one.kind)]

    @property
    def again(self) -> list[Ended]:
        """Connections that were refused or closed before an answer, and made again."""
        return [one for one in self.requests if one.kind == "again"]

    def __str__(self) -> str:
        """One line for a person."""
        counts = {kind: sum(one.kind == kind for one in self.requests) for kind in ("short", "stream")}
        failures = ", ".join(f"{len(self.failed(kind))} {kind}" for kind in counts)
        done = f"{counts['short']} short calls and {counts['stream']} streams ended in {self.seconds:.0f} s"
        return f"{self.name}: {done}; failed: {failures}; connected again: {len(self.again)}"


class Load:
    """A pod that calls the gateways all the time. `with load.during("…") as step: ...` counts what ends meanwhile."""

    def __init__(self, cluster: Cluster, *, namespace: str, deployment: str, open_at_most: int) -> None:
        self.open_at_most = open_at_most
        self._cluster = cluster
        self._place = ("--namespace", namespace)
        self._deployment = deployment
        self.steps: list[Step] = []

    def wait(self) -> None:
        """Return once the first requests have ended well."""
        deadline = time.monotonic() + _START_SECONDS
        while not any(one.error is None for one in self._ended()):
            if time.monotonic() > deadline:
                raise AssertionError(f"no request of the load succeeded: {self._logs()[-2000:]}")
            time.sleep(0.5)

    @contextmanager
    def during(self, name: str) -> Iterator[Step]:
        """Fills the step when the block has ended."""
        step = Step(name)
        began = time.time()
        yield step
        ended = time.time()
        step.seconds = ended - began
        step.requests.extend(one for one in self._ended() if began <= one.ended < ended)
        self.steps.append(step)
        print(f"\n  {step}", *(f"    {one}" for one in [*step.failed(), *step.again][:10]), sep="\n", flush=True)

    def _ended(self) -> list[Ended]:
        lines = self._logs().splitlines()
        return [Ended(**json.loads(line)) for line in lines if line.startswith("{")]

    def _logs(self) -> str:
        return self._cluster.kubectl(*self._place, "logs", f"deployment/{self._deployment}", "--tail=-1")
