"""Browser tier: the pages of the real gateway in a real browser."""

from harness.chromium import axe, chromium, open_window
from harness.client_programs import node_project, php, run
from harness.fixtures import encryption_keys, gateway, provider, start_gateway, start_valkey, valkey, world

__all__ = [
    "axe", "chromium", "encryption_keys", "gateway", "node_project", "open_window", "php", "provider", "run",
    "start_gateway", "start_valkey", "valkey", "world",
]  # fmt: skip
