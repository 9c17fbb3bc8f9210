"""Component tier: the real gateway process, a real Valkey, scripted providers on sockets."""

from collections.abc import Iterator

import pytest

from harness.caller import Caller
from harness.described import Document
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


_DOCUMENT = Document()


@pytest.fixture(autouse=True)
def every_answer_is_as_described() -> Iterator[None]:
    """Compare every answer of these tests with the API's document."""
    Caller.observer = _DOCUMENT.check_known
    yield
    Caller.observer = None
