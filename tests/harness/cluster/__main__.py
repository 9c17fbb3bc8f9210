"""`python -m harness.cluster build` fills the cache; `... run` keeps a control plane up until Ctrl-C, for a person."""

import signal
import sys

from harness import s3_server
from harness.cluster import binaries
from harness.cluster.controlplane import ControlPlane


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit code."""
    match arguments:
        case ["build"]:
            built = binaries.build()
            print(f"control plane: {built.directory}\nhelm: {built.helm}\nS3-compatible server: {s3_server.build()}")
            return 0
        case ["run"]:
            return _run()
        case _:
            print("usage: python -m harness.cluster build|run", file=sys.stderr)
            return 2


def _run() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with ControlPlane(binaries.build()) as cluster:
            print(f"export KUBECONFIG={cluster.kubeconfig}", flush=True)
            signal.pause()
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
