"""The servers that havuz is measured beside, each with the least configuration that does the job, pinned and locked.

A peer is a function that starts it before an upstream. Where it is not on this machine and can't be installed, it
raises `Missing` with the reason.
"""

from collections.abc import Callable

from bench.peers.install import Missing
from bench.peers.native import envoy, nginx
from bench.peers.scripted import litellm, plain_proxy, portkey
from bench.processes import Processes, Target
from bench.upstream import Upstream

__all__ = ["PEERS", "Missing"]

PEERS: dict[str, Callable[[Processes, Upstream], Target]] = {
    "nginx": nginx,
    "Envoy": envoy,
    "plain aiohttp proxy": plain_proxy,
    "Portkey": portkey,
    "LiteLLM": litellm,
}
