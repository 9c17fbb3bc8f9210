"""Embeddings that the same text always has."""

import math
import random
import zlib


def unit_vector(seed: str, size: int) -> list[float]:
    """So many numbers, of length 1."""
    source = random.Random(zlib.crc32(seed.encode()))
    raw = [source.gauss(0, 1) for _ in range(size)]
    length = math.sqrt(sum(value * value for value in raw))
    return [round(value / length, 9) for value in raw]
