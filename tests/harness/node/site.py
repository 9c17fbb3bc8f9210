"""Where the node tier installs havuz: a node of our own, or the cluster of `$KUBECONFIG`, and the images it runs."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.cluster.binaries import build
from harness.cluster.cluster import Cluster
from harness.node import images, packages
from harness.node.bases import bases
from harness.node.node import Node, parts

# of all files: one that never changes, so that layers are built once
_ANY_DATE = 1_700_000_000
_VOLUME = """
apiVersion: v1
kind: PersistentVolume
metadata: {{name: havuz-e2e}}
spec:
  capacity: {{storage: 1Gi}}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  hostPath: {{path: {path}}}
"""


@dataclass(frozen=True, slots=True)
class Site:
    """A cluster, `--set` values that name its images, and the node where it is ours to break."""

    cluster: Cluster
    values: Sequence[str]
    gateway_image: str
    node: Node | None = None


@contextmanager
def open_site() -> Iterator[Site]:
    """The cluster of `$KUBECONFIG` with the images of `$HAVUZ_E2E_GATEWAY` and `$HAVUZ_E2E_OPERATOR`, else a node here.

    `$HAVUZ_E2E_SET` is further values for that cluster, as Helm's `--set` takes them.

    Raises `BuildError`, `RuntimeError` or `PermissionError` where there can be no node, with what to do.
    """
    existing = os.environ.get("KUBECONFIG")
    if existing:
        yield _existing(Path(existing))
        return
    packages.install()
    with Node(build()) as node:
        _load_images(node)
        cluster = Cluster(node.binaries, node.kubeconfig)
        data = node.directory / "redis"
        data.mkdir()
        os.chown(data, 65532, 65532)
        cluster.kubectl("apply", "-f", "-", stdin=_VOLUME.format(path=data))
        values = {
            "gateway.image": images.GATEWAY,
            "operator.image": images.OPERATOR,
            "redis.bundled.image": images.VALKEY,
            "image.pullPolicy": "Never",
        }
        yield Site(cluster, _settings(values), images.GATEWAY, node)


def _existing(kubeconfig: Path) -> Site:
    try:
        gateway, operator = os.environ["HAVUZ_E2E_GATEWAY"], os.environ["HAVUZ_E2E_OPERATOR"]
    except KeyError as missing:
        raise RuntimeError(
            f"KUBECONFIG is set, but {missing} is not: build both images (`make images`), bring them to where the "
            "cluster finds them, and name them in HAVUZ_E2E_GATEWAY and HAVUZ_E2E_OPERATOR; "
            "or unset KUBECONFIG for a node on this machine"
        ) from None
    values = {"gateway.image": gateway, "operator.image": operator}
    further = os.environ.get("HAVUZ_E2E_SET")  # such as an image of Valkey that the cluster can pull
    settings = [*_settings(values), *(["--set", further] if further else [])]
    return Site(Cluster(build(), kubeconfig), settings, gateway)


def _settings(values: dict[str, str]) -> list[str]:
    return [word for name, value in values.items() for word in ("--set", f"{name}={value}")]


def _load_images(node: Node) -> None:
    builder = images.Builder(bases(), timestamp=_ANY_DATE)
    builder.pause(parts() / "pause")
    builder.valkey()
    builder.side(images.ROOT / "gateway" / "Dockerfile", images.GATEWAY)
    builder.side(images.ROOT / "operator" / "Dockerfile", images.OPERATOR)
    for name in (images.PAUSE, images.VALKEY, images.GATEWAY, images.OPERATOR):
        archive = builder.archive(name, node.directory)
        node.runtime.load(archive)
        archive.unlink()
