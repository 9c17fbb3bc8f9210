"""What a node needs from Debian, and the one sentence that says so before anything is installed."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PACKAGES = {
    "containerd": "containerd",
    "runc": "runc",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "buildah": "buildah",
    "debootstrap": "debootstrap",
    "iptables": "iptables",
    "ip": "iproute2",
    "unshare": "util-linux",
    "sysctl": "procps",
}
_POLICY = Path("/usr/sbin/policy-rc.d")


def missing() -> list[str]:
    """The Debian packages whose programs are not there."""
    return [package for program, package in _PACKAGES.items() if shutil.which(program) is None]


def install() -> None:
    """Install what is missing, with no service started. Raises `RuntimeError` where that is not possible."""
    wanted = missing()
    if not wanted:
        return
    command = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *wanted]
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise RuntimeError(f"a node needs {', '.join(wanted)}: as root on Debian, `{' '.join(command)}`")
    print(f"installing from Debian, with no service started: {' '.join(wanted)}", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with _no_service_started():
        subprocess.run(["apt-get", "update", "--quiet=2"], env=environment, check=True)
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def _no_service_started() -> Iterator[None]:
    # https://manpages.debian.org/invoke-rc.d: 101 forbids what a package's installation would start
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)
