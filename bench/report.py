"""What was measured where: the machine and the versions of what took part."""

import os
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from bench.processes import Target

_PACKAGES = ("aiohttp", "httptools", "uvloop", "hiredis")


def machine() -> str:
    """What it was measured on, in one line."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    cpu_name = names[0].partition(":")[2].strip() if names else platform.machine()
    return f"{cpu_name}, {len(names) or '?'} cores, {platform.system()}, Python {platform.python_version()}"


def session(command: str, targets: Sequence[Target]) -> str:
    """The machine, how busy it was before, the command, and the versions, as a list."""
    peers = [f"{one.name} {one.version}" for one in targets if one.version]
    lines = [
        f"{machine()}, kernel {platform.release()}, load average {os.getloadavg()[0]:.2f} before",
        f"`{command}`",
        f"havuz {_commit()} with {', '.join(f'{name} {version(name)}' for name in _PACKAGES if _has(name))}",
        ", ".join(peers),
    ]
    return "\n".join(f"- {line}" for line in lines if line)


def _has(package: str) -> bool:
    try:
        version(package)
    except ModuleNotFoundError:
        return False
    return True


def _commit() -> str:
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=Path(__file__).parent, capture_output=True, text=True
    )
    return asked.stdout.strip() or version("havuz-gateway")
