"""What the peers are installed from: locked files beside this module, each into a folder of the cache, once."""

import shutil
import subprocess
import sys
from pathlib import Path

from harness import npm
from harness.cluster.binaries import cache_folder, cached

HERE = Path(__file__).parent
_SECONDS = 900.0


class Missing(Exception):
    """A peer is not on this machine and can't be brought here; the text says why."""


def from_pypi(name: str) -> Path:
    """The folder with the packages that `<name>.txt` locks by their hashes. Raises `Missing`."""
    lock = HERE / f"{name}.txt"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    with cached(f"bench-{name}", lock.read_bytes(), version.encode()) as (folder, target):
        if target is not None:
            uv = shutil.which("uv") or next((str(path) for path in sorted(cache_folder().glob("uv-*/bin/uv"))), None)
            installer = (
                [uv, "pip", "install", "--python", sys.executable] if uv else [sys.executable, "-m", "pip", "install"]
            )
            _run([*installer, "--require-hashes", "--no-deps", "--target", str(target), "-r", str(lock)])
    return folder


def from_npm(name: str) -> Path:
    """The folder with the packages that `<name>/package-lock.json` locks, beneath `node_modules`. Raises `Missing`."""
    try:
        return npm.installed(HERE / name, seconds=_SECONDS)
    except npm.NotInstalled as error:
        raise Missing(str(error)) from error


def from_path(name: str, package: str) -> str:
    """A program of this machine. Raises `Missing`."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise Missing(f"{name!r} is not on PATH: apt-get install {package}")
    return found


def said(*command: str) -> str:
    """What a program says of its version, on one line."""
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return " ".join((ended.stdout + ended.stderr).split())


def _run(command: list[str]) -> None:
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise Missing(f"{command[0]!r} took longer than {_SECONDS:.0f} s") from error
    if ended.returncode:
        raise Missing(f"{' '.join(command[:3])} failed: {' '.join(ended.stderr.split())[-400:]}")
