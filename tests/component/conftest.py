"""Component tier: the real gateway process, a real Valkey, scripted providers on sockets."""

from harness.fixtures import (
    cluster,
    cluster_world,
    encryption_keys,
    gateway,
    provider,
    start_gateway,
    start_valkey,
    valkey,
    world,
)
from harness.local_up import local, served

__all__ = [
    "cluster",
    "cluster_world",
    "encryption_keys",
    "gateway",
    "local",
    "provider",
    "served",
    "start_gateway",
    "start_valkey",
    "valkey",
    "world",
]
