"""Why an answer ended."""

from dataclasses import KW_ONLY
from typing import Literal

from havuz_gateway.values import frozen

Unified = Literal["stop", "length", "tool-calls", "content-filter", "error", "other"]


@frozen
class Finish:
    """`unified` is what havuz acts on, `raw` the provider's own word. `stop_sequence` is the one that was met."""

    unified: Unified
    raw: str | None = None
    _: KW_ONLY
    stop_sequence: str | None = None
