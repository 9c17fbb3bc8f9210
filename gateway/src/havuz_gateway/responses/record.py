"""What is kept of one response: the object its client was sent, the items it answered, and what went before. Pure."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from havuz_gateway.protocols.json_text import dump, load

_VERSION = 1
_LEVEL = 1  # zlib's quickest: texts shrink to a third, and pictures do not shrink at all


class RecordUnreadable(ValueError):
    """What is kept was written by another version, or is damaged."""


class RecordTooLarge(ValueError):
    """There is more of it than is kept of one response."""


@dataclass(frozen=True, slots=True)
class Record:
    """One response. `input` are the items of its own request, `chain` the ids of all responses before it, in order.

    `home` is the upstream (its uid) and the model that keep the response themselves. `size` is its bytes as JSON, where
    it was read again.
    """

    id: str
    response: Mapping[str, Any] = field(repr=False)
    input: Sequence[Any] = field(repr=False)
    chain: tuple[str, ...] = ()
    home: tuple[str, str] | None = None
    size: int = 0


def pack(record: Record, *, limit: int) -> bytes:
    """The record as bytes. Raises `RecordTooLarge` for one of more than `limit` bytes of JSON."""
    members = {
        "version": _VERSION,
        "id": record.id,
        "response": record.response,
        "input": record.input,
        "chain": record.chain,
        "home": record.home,
    }
    plain = dump(members).encode()
    if len(plain) > limit:
        raise RecordTooLarge(f"a response of {len(plain)} bytes is not kept: the limit is {limit}")
    return zlib.compress(plain, _LEVEL)


def unpack(data: bytes, *, limit: int) -> Record:
    """What `pack` made. Raises `RecordUnreadable`."""
    try:
        plain = zlib.decompressobj().decompress(data, limit)
        members = load(plain)
    except (ValueError, zlib.error):
        raise RecordUnreadable("a kept response is damaged") from None
    if not isinstance(members, dict) or members.get("version") != _VERSION:
        raise RecordUnreadable("a kept response was written by another version")
    home = members["home"]
    return Record(
        id=members["id"],
        response=members["response"],
        input=members["input"],
        chain=tuple(members["chain"]),
        home=(home[0], home[1]) if home is not None else None,
        size=len(plain),
    )
