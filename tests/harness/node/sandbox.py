"""Namespaces of our own for a node: what happens to network, mounts and processes in there never touches the machine.

One process holds them. When it ends, the kernel ends every process inside, and their mounts, interfaces and packet
filter rules go with them.
"""

import os
import shutil
import subprocess
import time
from pathlib import Path

# 198.18.0.0/15 is set aside for test networks: https://www.rfc-editor.org/rfc/rfc2544#appendix-C.2.2
MACHINE = "198.18.0.1"
NODE = "198.18.0.2"
PODS = "198.18.64.0/20"
SERVICES = "198.19.0.0/16"
_INTERFACE = "havuz-node"
_START_SECONDS = 10.0
# a test run that is killed leaves nothing behind
_DIE_WITH_US = ("setpriv", "--pdeathsig=KILL")


class Sandbox:
    """`with Sandbox(directory) as sandbox: ...`: a network with one cable to this machine. Needs root.

    The machine reaches pods and Services of the node; nothing inside reaches further than this machine.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._holder: subprocess.Popen[bytes] | None = None
        self._first = 0
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "Sandbox":
        if os.geteuid() != 0:
            raise PermissionError("a node needs root: run as root, or set KUBECONFIG to a cluster that exists")
        namespaces = ("--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child")
        self._holder = subprocess.Popen([*_DIE_WITH_US, "unshare", *namespaces, "sleep", "infinity"])
        try:
            self._first = self._wait_for_child(self._holder.pid)
            self._lay_the_cable()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def network(self) -> tuple[str, ...]:
        """The start of a command line that runs the rest in the network, and else like any process of this machine."""
        return (*_DIE_WITH_US, "nsenter", f"--target={self._first}", "--net")

    @property
    def inside(self) -> tuple[str, ...]:
        """The start of a command line that runs the rest inside."""
        return ("nsenter", f"--target={self._first}", "--net", "--mount", "--pid")

    def start(self, name: str, *command: str) -> None:
        """Start a program inside, with its log in `NAME.log`; it ends with the sandbox."""
        with (self.directory / f"{name}.log").open("ab") as log:
            program = subprocess.Popen(
                [*self.inside, *command],
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._started.append(program)

    def run(self, *command: str) -> str:
        """What a command inside prints. Raises `RuntimeError` with what it complained of."""
        return _run(*self.inside, *command)

    def log(self, name: str) -> str:
        """What a program inside printed so far."""
        path = self.directory / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def close(self) -> None:
        """End every process inside. Safe to repeat."""
        holder, self._holder = self._holder, None
        if holder is None:
            return
        holder.kill()
        for process in (holder, *self._started):
            process.wait()
        deadline = time.monotonic() + _START_SECONDS
        while Path(f"/proc/{self._first}").exists() and time.monotonic() < deadline:
            time.sleep(0.05)

    def _lay_the_cable(self) -> None:
        _run("ip", "link", "add", _INTERFACE, "type", "veth", "peer", "name", "machine", "netns", str(self._first))
        _run("ip", "address", "add", f"{MACHINE}/30", "dev", _INTERFACE)
        _run("ip", "link", "set", _INTERFACE, "up")
        for command in (
            ("ip", "link", "set", "lo", "up"),
            ("ip", "address", "add", f"{NODE}/30", "dev", "machine"),
            ("ip", "link", "set", "machine", "up"),
            ("sysctl", "-qw", "net.ipv4.ip_forward=1"),
        ):
            self.run(*command)
        for inner in (PODS, SERVICES):
            _run("ip", "route", "add", inner, "via", NODE)

    @staticmethod
    def _wait_for_child(parent: int) -> int:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
            if children and os.readlink(f"/proc/{children[0]}/exe").endswith("/sleep"):
                return int(children[0])
            time.sleep(0.01)
        raise RuntimeError(
            "no namespaces of our own: `unshare` did not start; is util-linux installed, and are we root?"
        )


def _run(*command: str) -> str:
    executable = shutil.which(command[0])
    if executable is None:
        raise RuntimeError(f"{command[0]!r} is not installed")
    finished = subprocess.run([executable, *command[1:]], capture_output=True, text=True)
    if finished.returncode:
        raise RuntimeError(
            f"{' '.join(command)} ended with {finished.returncode}:\n{finished.stderr or finished.stdout}"
        )
    return finished.stdout
