"""Images by buildah, without a registry: the two sides from their Dockerfiles, Valkey, and the bases of them all."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.cluster.binaries import cache_folder
from harness.node.bases import Bases
from harness.valkey import server_executable

ROOT = Path(__file__).parents[3]
OPERATOR = "havuz.dev/operator:node"
GATEWAY = "havuz.dev/gateway:node"
VALKEY = "havuz.dev/valkey:node"
PAUSE = "havuz.dev/pause:node"
_BUILD_SECONDS = 900.0


class Builder:
    """buildah with a store of its own in the cache folder. Files of its images are dated `timestamp`, in Unix time."""

    def __init__(self, bases: Bases, *, timestamp: int) -> None:
        self._store = cache_folder() / "images"
        self._timestamp = f"--timestamp={timestamp}"
        self._build = f"havuz.dev/base-build:{bases.key}"
        self._runtime = f"havuz.dev/base-runtime:{bases.key}"
        # the machine may reach its package registries by an authority of its own, which its bundle knows
        trust = dict.fromkeys(("PIP_CERT", "SSL_CERT_FILE"), bases.authorities)
        self._base(self._build, bases.build, trust)
        self._base(self._runtime, bases.runtime, {})

    def side(self, dockerfile: Path, name: str, *options: str) -> None:
        """Build a Dockerfile of ours with the local bases; layers that did not change are taken from the last time."""
        arguments = (f"--build-arg=BASE={self._build}", f"--build-arg=RUNTIME={self._runtime}")
        where = (f"--file={dockerfile}", f"--tag={name}", str(ROOT))
        self._buildah(
            "bud", "--layers", *options, "--network=host", "--pull-never", self._timestamp, *arguments, *where
        )

    def valkey(self) -> None:
        """The server that the tests use elsewhere, where the chart looks for it."""
        self._assemble(VALKEY, self._runtime, {Path(server_executable()): "/usr/bin/valkey-server"}, ())

    def pause(self, program: Path) -> None:
        """The process that holds the namespaces of a pod."""
        self._assemble(PAUSE, "scratch", {program: "/pause"}, ("--entrypoint", '["/pause"]'))

    def archive(self, name: str, folder: Path) -> Path:
        """An image as a file that `docker load` and containerd take."""
        path = folder / f"{name.partition('/')[2].replace(':', '-')}.tar"
        self._buildah("push", "--quiet", name, f"docker-archive:{path}:{name}")
        return path

    def _base(self, name: str, root: Path, environment: Mapping[str, str]) -> None:
        if self._buildah("images", "--quiet", "--filter", f"reference={name}").strip():
            return
        settings = [word for key, value in environment.items() for word in ("--env", f"{key}={value}")]
        self._assemble(name, "scratch", {root: "/"}, settings)

    def _assemble(self, name: str, base: str, files: Mapping[Path, str], settings: Sequence[str]) -> None:
        container = self._buildah("from", "--pull-never", base).strip()
        try:
            for source, target in files.items():
                self._buildah("add", "--quiet", container, str(source), target)
            if settings:
                self._buildah("config", *settings, container)
            self._buildah("commit", "--quiet", self._timestamp, container, name)
        finally:
            self._buildah("rm", container)

    def _buildah(self, command: str, *arguments: str) -> str:
        store = (f"--root={self._store}/root", f"--runroot={self._store}/run", "--storage-driver=overlay")
        isolation = ("--isolation=chroot",) if command in ("bud", "from") else ()
        finished = subprocess.run(
            ["buildah", *store, command, *isolation, *arguments], capture_output=True, text=True, timeout=_BUILD_SECONDS
        )
        if finished.returncode:
            said = (finished.stdout + finished.stderr)[-4000:]
            raise RuntimeError(f"buildah {command} {' '.join(arguments)} ended with {finished.returncode}:\n{said}")
        return finished.stdout
