"""`python -m harness.node build` fills the cache; `... run` keeps a node with the images on it until Ctrl-C."""

import signal
import sys

from harness.cluster import binaries
from harness.node import packages
from harness.node.node import parts
from harness.node.site import open_site


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit code."""
    match arguments:
        case ["build"]:
            packages.install()
            print(f"control plane: {binaries.build().directory}\nnode: {parts()}")
            return 0
        case ["run"]:
            return _run()
        case _:
            print("usage: python -m harness.node build|run", file=sys.stderr)
            return 2


def _run() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with open_site() as site:
            print(f"export KUBECONFIG={site.cluster.kubeconfig}")
            print(f"helm install havuz charts/havuz {' '.join(site.values)}", flush=True)
            signal.pause()
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
