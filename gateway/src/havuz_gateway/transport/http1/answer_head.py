"""What the head of an answer says about the bytes behind it: https://www.rfc-editor.org/rfc/rfc9112#section-6."""

import re
from collections.abc import Mapping

from havuz_gateway.transport.base import KEEPALIVE_SECONDS, TransportFailure

MAX_HEAD_BYTES = 64 * 1024
"""Bytes of an answer before its body; and of framing within it, such as trailers, in a row."""

LISTS = frozenset({"transfer-encoding", "content-encoding"})
"""Fields of which every one counts where they are repeated; of others, the first."""

_TIMEOUT = re.compile(r"(?:^|[,;\s])timeout\s*=\s*\"?(\d{1,6})", re.IGNORECASE)
_MARGIN_SECONDS = 1.0  # for a request that is under way while the provider's clock runs out


def check(status: int, fields: Mapping[str, str]) -> None:
    """Raise `TransportFailure` of kind `protocol` for an answer that has no meaning, or more than one."""
    if not 200 <= status < 600:
        raise TransportFailure("protocol", f"the provider's answer has the status {status}, which does not exist")
    if fields.get("transfer-encoding", "chunked").lower() != "chunked":
        raise TransportFailure("protocol", "the provider's answer has a transfer-encoding that nobody asked for")


def has_length(fields: Mapping[str, str]) -> bool:
    """Whether it is said where the body ends."""
    return "content-length" in fields or "transfer-encoding" in fields


def rest_of(fields: Mapping[str, str]) -> float:
    """Seconds that a connection may rest and be used again: a server may name its own limit in `Keep-Alive`."""
    named = fields.get("keep-alive")
    found = None if named is None else _TIMEOUT.search(named)
    return KEEPALIVE_SECONDS if found is None else min(KEEPALIVE_SECONDS, int(found[1]) - _MARGIN_SECONDS)


def too_long() -> TransportFailure:
    """The failure of an answer with too much of a head."""
    return TransportFailure("protocol", f"the provider's answer has more than {MAX_HEAD_BYTES} bytes of headers")
