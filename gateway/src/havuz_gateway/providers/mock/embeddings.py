"""Vectors of unit length that depend on the text alone."""

import base64
import hashlib
import json
import math
import struct
import sys
from array import array
from collections.abc import Iterator, Mapping
from typing import Any

from havuz_gateway.providers.mock.chat import count_text

DEFAULT_DIMENSIONS = 1536
MAX_DIMENSIONS = 8192


def embed(fields: Mapping[str, Any]) -> Iterator[bytes]:
    """The answer to a request that was checked, vector by vector: all of them can be a hundred megabytes.

    At most `MAX_DIMENSIONS` numbers a vector.
    """
    inputs = _inputs(fields.get("input"))
    dimensions = min(fields.get("dimensions") or DEFAULT_DIMENSIONS, MAX_DIMENSIONS)
    as_base64 = fields.get("encoding_format") == "base64"
    yield b'{"object":"list","data":['
    for index, item in enumerate(inputs):
        vector = _vector(item, dimensions)
        embedding = _encoded(vector) if as_base64 else list(vector)
        yield (b"," if index else b"") + _dump({"object": "embedding", "index": index, "embedding": embedding})
    tokens = sum(count_text(item) if isinstance(item, str) else len(item) for item in inputs)
    rest = {"model": str(fields.get("model")), "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}
    yield b"]," + _dump(rest)[1:]


def _dump(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()


def _inputs(value: Any) -> list[str | list[int]]:
    if isinstance(value, str):
        return [value]
    return [value] if value and isinstance(value[0], int) else list(value)


def _vector(item: str | list[int], dimensions: int) -> "array[float]":
    """32-bit floats, so that base64 and JSON say the same numbers."""
    seed = item.encode("utf-8", "replace") if isinstance(item, str) else json.dumps(item).encode()
    noise = struct.unpack(f"<{dimensions}h", hashlib.shake_256(seed).digest(2 * dimensions))
    length = math.sqrt(sum(number * number for number in noise)) or 1.0
    return array("f", (number / length for number in noise))


def _encoded(vector: "array[float]") -> str:
    if sys.byteorder == "big":
        vector = array("f", vector)
        vector.byteswap()
    return base64.b64encode(vector.tobytes()).decode()
