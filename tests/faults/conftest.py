"""Faults tier: the component tier's processes, killed, cut off and frozen; the books are proved afterwards."""

from harness.fixtures import encryption_keys, gateway, provider, start_gateway, start_valkey, valkey, world

__all__ = ["encryption_keys", "gateway", "provider", "start_gateway", "start_valkey", "valkey", "world"]
