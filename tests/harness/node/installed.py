"""havuz as the README installs it, and the things that are done to an installation."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.cluster.cluster import CommandError
from harness.node.site import Site

_ROOT = Path(__file__).parents[3]
_KINDS = "projects,modelroutes,upstreamkeys"
_RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"
_POLL_SECONDS = 0.5
_ALWAYS_THERE = ("configmap/kube-root-ca.crt", "serviceaccount/default")
SYSTEM = "havuz"
DEMO = "demo"


class Installed:
    """One release of the charts in namespace `havuz`, and the quick start in namespace `demo`."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.cluster = site.cluster

    def install(self) -> None:
        """CRDs, operator, gateways, worker and Valkey, up and ready."""
        for namespace in (SYSTEM, DEMO):
            self.cluster.kubectl("create", "namespace", namespace)
            self.cluster.kubectl("label", "namespace", namespace, _RESTRICTED)
        self.cluster.helm("upgrade", "--install", "havuz-crds", f"{_ROOT}/charts/havuz-crds")
        self.upgrade()
        self.settled()

    def upgrade(self, *settings: str) -> None:
        """`helm upgrade --install` with further `--set` values."""
        chart = f"{_ROOT}/charts/havuz"
        further = [word for setting in settings for word in ("--set", setting)]
        self.cluster.helm("upgrade", "--install", "havuz", chart, "-n", SYSTEM, *self.site.values, *further)

    def uninstall(self) -> None:
        """`helm uninstall`, and wait until no pod is left."""
        self.cluster.helm("uninstall", "havuz", "-n", SYSTEM)
        self._until(lambda: not self._pods(), seconds=120, what="no pod is left after helm uninstall")

    def remove(self) -> None:
        """Everything that `install` made, as far as it is there."""
        self.cluster.kubectl("delete", "namespace", DEMO, SYSTEM, "--ignore-not-found", "--timeout=90s")
        for release, namespace in (("havuz-crds", "default"),):
            try:
                self.cluster.helm("uninstall", release, "-n", namespace)
            except CommandError:
                continue
        self.cluster.kubectl(
            "delete", "crd", *(f"{kind}.havuz.dev" for kind in _KINDS.split(",")), "--ignore-not-found"
        )

    def wait_programmed(self, seconds: int = 60) -> None:
        """What the README tells a person to wait for."""
        wait = ("wait", "--for=condition=Programmed", _KINDS, "--all", f"--timeout={seconds}s")
        self.cluster.kubectl("-n", DEMO, *wait)

    def scale(self, workload: str, replicas: int) -> None:
        """`kubectl scale`, and wait until exactly so many pods are there and ready."""
        self.cluster.kubectl("-n", SYSTEM, "scale", workload, f"--replicas={replicas}")
        self.settled()

    def settled(self, *, seconds: float = 240) -> None:
        """Return once every workload has its pods ready, and none is left of what was before."""
        self._until(self._is_settled, seconds=seconds, what="the pods of havuz are settled")

    @contextmanager
    def reached(self) -> Iterator[str]:
        """The URL of the gateway's Service from this machine: its own address on a node here, else a forwarded port."""
        service = self.cluster.get("service", "havuz-gateway", "-n", SYSTEM)
        if self.site.node is not None:
            yield f"http://{service['spec']['clusterIP']}"
            return
        with self.cluster.forwarded(SYSTEM, "service/havuz-gateway", 80) as port:
            yield f"http://127.0.0.1:{port}"

    def kill_gateway(self) -> None:
        """SIGKILL for the process of one gateway; in a cluster that is not ours, its pod is deleted without grace."""
        pod = self.gateways()[0]
        killed = pod["status"]["containerStatuses"][0]["containerID"]
        if self.site.node is not None:
            self.site.node.runtime.kill(killed)
        else:
            self.cluster.kubectl("-n", SYSTEM, "delete", "pod", pod["metadata"]["name"], "--grace-period=0", "--force")
        self._until(lambda: killed not in _containers(self.gateways()), seconds=60, what="the kill is noticed")
        self.settled()

    def left(self) -> set[str]:
        """What is there in the namespace, but for what Kubernetes itself puts into every one."""
        listed = self.cluster.kubectl("api-resources", "--verbs=list", "--namespaced", "-o", "name").split()
        kinds = ",".join(kind for kind in listed if not kind.startswith(("events", "endpoints")))
        named = self.cluster.kubectl("-n", SYSTEM, "get", kinds, "-o", "name", "--ignore-not-found").split()
        return {name for name in named if name not in _ALWAYS_THERE}

    def gateways(self) -> list[dict[str, Any]]:
        """The pods of the gateway."""
        return self._pods("app.kubernetes.io/component=gateway")

    def _is_settled(self) -> bool:
        wanted = 0
        for workload in self.cluster.get("deployments,statefulsets", "-n", SYSTEM)["items"]:
            status = workload["status"]
            if status.get("observedGeneration") != workload["metadata"]["generation"]:
                return False
            wanted += workload["spec"]["replicas"]
            if status.get("updatedReplicas", 0) != workload["spec"]["replicas"]:
                return False
        pods = self._pods()
        return len(pods) == wanted and all(_ready(pod) for pod in pods)

    def _pods(self, *labels: str) -> list[dict[str, Any]]:
        selected = [word for label in labels for word in ("-l", label)]
        found: Sequence[dict[str, Any]] = self.cluster.get("pods", "-n", SYSTEM, *selected)["items"]
        return [pod for pod in found if pod["status"].get("phase") != "Succeeded"]

    def _until(self, so: Callable[[], bool], *, seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not so():
            if time.monotonic() > deadline:
                pods = self.cluster.kubectl("-n", SYSTEM, "describe", "pods")
                raise AssertionError(f"not within {seconds:g} s: {what}\n{pods[-6000:]}")
            time.sleep(_POLL_SECONDS)


def _containers(pods: list[dict[str, Any]]) -> set[str | None]:
    return {status.get("containerID") for pod in pods for status in pod["status"].get("containerStatuses", ())}


def _ready(pod: dict[str, Any]) -> bool:
    if "deletionTimestamp" in pod["metadata"]:
        return False
    conditions = pod["status"].get("conditions", ())
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
