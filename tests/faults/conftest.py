"""Faults tier: the component tier's processes, killed, cut off and frozen; the books are proved afterwards."""

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

__all__ = [
    "cluster",
    "cluster_world",
    "encryption_keys",
    "gateway",
    "provider",
    "start_gateway",
    "start_valkey",
    "valkey",
    "world",
]
