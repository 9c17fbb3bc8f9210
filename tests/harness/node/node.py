"""A Kubernetes of one node: the control plane, a scheduler, a kubelet, a proxy and a DNS server in one sandbox."""

import json
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from harness.cluster.binaries import Binaries, multi_call
from harness.cluster.controlplane import ControlPlane, Place
from harness.node.runtime import ContainerRuntime
from harness.node.sandbox import NODE, SERVICES, Sandbox

_SOURCE = Path(__file__).parent / "nodeparts"
_PARTS = ("kubelet", "kube-proxy", "kube-scheduler", "coredns")
_CONTROLLERS = ("*", "-node-ipam-controller")
_DOMAIN = "cluster.local"


def parts() -> Path:
    """The folder with the programs of a node, built where they are not cached. Raises `BuildError`."""
    return multi_call(_SOURCE, _PARTS)


class Node:
    """`with Node(binaries) as node: ...`: a cluster whose pods run. `node.kubeconfig` is its administrator's.

    Root on Debian with the packages of `packages.NEEDED`. Ends with everything that it started.
    """

    def __init__(self, binaries: Binaries) -> None:
        self._programs = parts()
        self.binaries = binaries
        self.directory = Path(tempfile.mkdtemp(prefix="havuz-node-"))
        self.sandbox = Sandbox(self.directory)
        self.runtime = ContainerRuntime(self.sandbox)
        self._control: ControlPlane | None = None

    @property
    def control(self) -> ControlPlane:
        """The control plane, while it runs."""
        if self._control is None:
            raise RuntimeError("the node is not running")
        return self._control

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.control.kubeconfig

    def __enter__(self) -> "Node":
        try:
            self.sandbox.__enter__()
            place = Place(
                address=NODE,
                bind="0.0.0.0",
                services=SERVICES,
                enter=self.sandbox.network,
                controllers=_CONTROLLERS,
            )
            self._control = ControlPlane(self.binaries, place)
            self._control.__enter__()
            self.runtime.start()
            self._start_parts()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End everything and remove the folder. Safe to repeat."""
        if self._control is not None:
            self._control.stop()
            self._control = None
        self.sandbox.close()
        self._remove_control_groups()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _remove_control_groups(self) -> None:
        # version 1 has one tree for each resource, version 2 a single one
        trees = Path("/sys/fs/cgroup")
        for top in (*trees.glob(f"*/{self.directory.name}"), trees / self.directory.name):
            for folder, _, _ in os.walk(top, topdown=False):
                with suppress(OSError):
                    os.rmdir(folder)

    def _start_parts(self) -> None:
        (self.directory / "kubelet.json").write_text(json.dumps(self._kubelet()))
        (self.directory / "Corefile").write_text(self._corefile())
        self.sandbox.run("mount", "--make-rshared", "/")
        self._start(
            "kubelet",
            f"--config={self.directory}/kubelet.json",
            f"--kubeconfig={self.kubeconfig}",
            f"--root-dir={self.directory}/kubelet",
            f"--cert-dir={self.directory}/kubelet-certificates",
            f"--node-ip={NODE}",
            "--hostname-override=node",
        )
        self._start("kube-scheduler", f"--kubeconfig={self.kubeconfig}", "--leader-elect=false")
        self._start(
            "kube-proxy",
            f"--kubeconfig={self.kubeconfig}",
            "--proxy-mode=iptables",
            "--conntrack-max-per-core=0",
            "--conntrack-tcp-timeout-established=0s",
            "--conntrack-tcp-timeout-close-wait=0s",
            "--hostname-override=node",
        )
        self._start("coredns", "-conf", f"{self.directory}/Corefile")

    def _start(self, part: str, *flags: str) -> None:
        self.sandbox.start(part, str(self._programs / part), *flags)

    def _kubelet(self) -> dict[str, object]:
        # nobody but the control plane can reach the kubelet in its sandbox
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "containerRuntimeEndpoint": f"unix://{self.runtime.socket}",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self.directory.name}",
            "failCgroupV1": False,
            "cgroupsPerQOS": False,
            "enforceNodeAllocatable": [],
            "failSwapOn": False,
            "clusterDNS": [NODE],
            "clusterDomain": _DOMAIN,
            "resolvConf": "",
            "maxPods": 100,
            # a busy machine's full disk is not what is tested
            "evictionHard": {"memory.available": "100Mi"},
            "imageGCHighThresholdPercent": 100,
        }

    def _corefile(self) -> str:
        return f"""\
.:53 {{
    errors
    ready {NODE}:8181
    kubernetes {_DOMAIN} in-addr.arpa {{
        kubeconfig {self.kubeconfig}
        ttl 5
    }}
}}
"""
