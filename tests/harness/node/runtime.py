"""containerd inside a sandbox: its own folders, socket and bridge, beside whatever containerd the machine has."""

import json
import time
from pathlib import Path

from harness.node.images import PAUSE
from harness.node.sandbox import PODS, Sandbox

_START_SECONDS = 30.0
_PLUGINS = "/usr/lib/cni"  # where Debian's containernetworking-plugins puts them


class ContainerRuntime:
    """containerd with one bridge for pods. `start()` returns once it answers."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.directory = sandbox.directory / "containerd"
        self.socket = self.directory / "containerd.sock"

    def start(self) -> None:
        """Write the configuration and start. Raises `RuntimeError` with the log."""
        network = self.directory / "net.d"
        network.mkdir(parents=True)
        (network / "10-pods.conflist").write_text(json.dumps(_conflist(self.directory / "ipam")))
        (self.directory / "config.toml").write_text(self._config(network))
        self._sandbox.start("containerd", "containerd", "--config", str(self.directory / "config.toml"))
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self.ctr("version")
            except RuntimeError:
                if time.monotonic() > deadline:
                    raise RuntimeError(
                        f"containerd did not start:\n{self._sandbox.log('containerd')[-4000:]}"
                    ) from None
                time.sleep(0.1)
            else:
                return

    def ctr(self, *arguments: str) -> str:
        """What `ctr` prints, in the namespace that Kubernetes uses. Raises `RuntimeError`."""
        return self._sandbox.run("ctr", f"--address={self.socket}", "--namespace=k8s.io", *arguments)

    def load(self, archive: Path) -> None:
        """Take the images of an archive as `buildah push docker-archive:` writes it."""
        self.ctr("images", "import", "--snapshotter", "overlayfs", str(archive))

    def kill(self, container: str) -> None:
        """End a container by SIGKILL, as the kernel does when memory runs out: nobody is told before."""
        self.ctr("tasks", "kill", "--signal", "SIGKILL", container.removeprefix("containerd://"))

    def _config(self, network: Path) -> str:
        return f"""\
version = 2
root = "{self.directory}/root"
state = "{self.directory}/state"
disabled_plugins = ["io.containerd.internal.v1.opt"]

[grpc]
  address = "{self.socket}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  # a machine may itself be a sandbox, in which nobody may lower a score
  restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "overlayfs"

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "{_PLUGINS}"
  conf_dir = "{network}"
"""


def _conflist(leases: Path) -> dict[str, object]:
    bridge = {
        "type": "bridge",
        "bridge": "pods",
        "isGateway": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": PODS}]],
            "routes": [{"dst": "0.0.0.0/0"}],
            "dataDir": str(leases),
        },
    }
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge]}
