"""A kept file as it is read: the whole of it, or a range."""

from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Range:
    """Bytes that are asked for: `end` is exclusive; a negative `start` counts from the end of the file."""

    start: int
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """A file, or the part of it from `start` to `end` (exclusive). `size` is that of the whole.

    Reading `chunks` raises `ServiceUnavailable` where the store breaks off.
    """

    size: int
    start: int
    end: int
    chunks: AsyncIterator[bytes]


class RangeOutside(Exception):
    """Nothing of the file is in the range that was asked for. `size` is the file's."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the file has {size} bytes")
        self.size = size
