"""Vectors of unit length that depend on the text alone."""

import base64
import hashlib
import json
import math
import struct
import sys
from array import array
from collections.abc import Mapping
from typing import Any

from havuz_gateway.providers.mock.chat import count_text

DEFAULT_DIMENSIONS = 1536
MAX_DIMENSIONS = 8192


def embed(fields: Mapping[str, Any]) -> bytes:
    """The answer to a request that was checked. At most `MAX_DIMENSIONS` numbers a vector."""
    inputs = _inputs(fields.get("input"))
    dimensions = min(fields.get("dimensions") or DEFAULT_DIMENSIONS, MAX_DIMENSIONS)
    as_base64 = fields.get("encoding_format") == "base64"
    vectors = [_vector(item, dimensions) for item in inputs]
    data = [
        {"object": "embedding", "index": index, "embedding": _encoded(vector) if as_base64 else list(vector)}
        for index, vector in enumerate(vectors)
    ]
    tokens = sum(count_text(item) if isinstance(item, str) else len(item) for item in inputs)
    answer = {
        "object": "list",
        "data": data,
        "model": str(fields.get("model")),
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
    return json.dumps(answer, separators=(",", ":")).encode()


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
