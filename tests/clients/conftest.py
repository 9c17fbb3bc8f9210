"""Client tier: the real gateway, called by the clients that people use."""

from harness.client_programs import node_project, php, run
from harness.fixtures import encryption_keys, gateway, provider, start_gateway, start_valkey, valkey, world

__all__ = [
    "encryption_keys", "gateway", "node_project", "php", "provider", "run", "start_gateway", "start_valkey", "valkey",
    "world",
]  # fmt: skip
