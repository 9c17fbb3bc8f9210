"""Packages for Node as a lock file names them, in the cache outside the checkout."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path


class NotInstalled(Exception):
    """The packages can't be had on this machine; the text says what to do."""


def installed(source: Path, *, seconds: float, name: str = "") -> Path:
    """A folder with `node_modules` by the lock file of `source`, made once per lock. Raises `NotInstalled`."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NotInstalled("Node.js is not installed: apt-get install nodejs npm, or from https://nodejs.org")
    lock = (source / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("HAVUZ_CACHE") or Path.home() / ".cache" / "havuz")
    folder = cache / f"node-{name or source.name}-{hashlib.sha256(lock).hexdigest()[:16]}"
    if folder.exists():
        return folder
    fresh = cache / f"{folder.name}.{os.getpid()}"
    shutil.copytree(source, fresh)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        subprocess.run(command, cwd=fresh, check=True, capture_output=True, text=True, timeout=seconds)
        fresh.rename(folder)
    except subprocess.CalledProcessError as error:
        raise NotInstalled(f"npm ci failed in {fresh}: {error.stderr[-500:]}") from error
    except OSError:  # another process was first
        shutil.rmtree(fresh)
    return folder
