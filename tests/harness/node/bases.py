"""Root file systems for images, made from Debian's packages: no registry of images is needed.

`build` has a shell, pip and venv, for the stages that build; `runtime` is the interpreter, the libraries that it links
to and the authorities, and nothing to type a command into.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness.cluster.binaries import cached

_SUITE = "bookworm"
_MIRROR = "http://deb.debian.org/debian"
_INCLUDED = "python3,python3-venv,ca-certificates,tzdata,media-types"
_RUNTIME = (
    "libc6",
    "libgcc-s1",
    "libstdc++6",
    "zlib1g",
    "libssl3",
    "libsqlite3-0",
    "libffi8",
    "libexpat1",
    "libbz2-1.0",
    "liblzma5",
    "libuuid1",
    "libcrypt1",
    "python3-minimal",
    "python3.11-minimal",
    "libpython3.11-minimal",
    "libpython3.11-stdlib",
    "python3.11",
    "tzdata",
    "media-types",
)
_UNUSED = ("var/cache/apt", "var/lib/apt/lists", "var/log", "usr/share/doc", "usr/share/man", "usr/share/locale")
_LEFT_OUT = (*(f"/{folder}/" for folder in _UNUSED), "/usr/share/lintian/", "/usr/share/gdb/")
_AUTHORITIES = "etc/ssl/certs/ca-certificates.crt"
_MACHINE = "etc/ssl/certs/machine.crt"
_NOBODY = "nonroot:x:65532:65532:nonroot:/nonexistent:/sbin/nologin\n"


@dataclass(frozen=True, slots=True)
class Bases:
    """Two root file systems, the key that changes with them, and where `build` has the authorities of this machine."""

    build: Path
    runtime: Path
    key: str
    authorities: str = f"/{_MACHINE}"


def bases() -> Bases:
    """Both, made where they are not cached. Needs root and debootstrap."""
    own = Path(os.environ.get("SSL_CERT_FILE", f"/{_AUTHORITIES}"))
    with cached(f"bases-{_SUITE}", repr((_INCLUDED, _RUNTIME, _LEFT_OUT)).encode(), own.read_bytes()) as (
        folder,
        target,
    ):
        if target is not None:
            _bootstrap(target / "build")
            shutil.copy2(own, target / "build" / _MACHINE)
            _pick((target / "build").resolve(), target / "runtime")
    return Bases(build=folder / "build", runtime=folder / "runtime", key=folder.name.rpartition("-")[2])


def _bootstrap(root: Path) -> None:
    command = ["debootstrap", "--variant=minbase", f"--include={_INCLUDED}", _SUITE, str(root), _MIRROR]
    finished = subprocess.run(command, capture_output=True, text=True)
    if finished.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {finished.returncode}:\n{finished.stdout[-4000:]}")
    for name in _UNUSED:
        shutil.rmtree(root / name, ignore_errors=True)
        (root / name).mkdir(parents=True)


def _pick(build: Path, runtime: Path) -> None:
    """Copy the files of the runtime's packages to where they are in `build`."""
    for name in ("usr", "tmp", "etc/ssl/certs"):
        (runtime / name).mkdir(parents=True)
    (runtime / "tmp").chmod(0o1777)
    for name in ("bin", "lib", "lib64", "sbin"):
        (runtime / name).symlink_to(f"usr/{name}")
    (runtime / "etc/passwd").write_text(f"root:x:0:0:root:/:/sbin/nologin\n{_NOBODY}")
    (runtime / "etc/group").write_text("root:x:0:\nnonroot:x:65532:\n")
    shutil.copy2(build / _AUTHORITIES, runtime / _AUTHORITIES)
    listed = subprocess.run(
        ["dpkg", f"--root={build}", "--listfiles", *_RUNTIME], capture_output=True, text=True, check=True
    )
    for line in listed.stdout.splitlines():
        source = build / line.removeprefix("/")
        if not line.startswith("/") or line.startswith(_LEFT_OUT) or (source.is_dir() or not source.exists()):
            continue
        # packages name /lib and /bin, which are links to /usr
        target = runtime / source.parent.resolve().relative_to(build) / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)
