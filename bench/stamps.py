"""When the provider wrote an event, told in the event's own text, so that its delay is known on arrival.

Both ends are on one machine and read one clock. Whatever a gateway does to an event, it leaves the text alone.
"""

import time

DIGITS = 10
_MARK = b"@"
_WHOLE = DIGITS + len(_MARK)
_WRAP = 10**DIGITS  # of microseconds: almost three hours
PLACE = _MARK + b"0" * DIGITS
"""What stands in a template where a stamp goes."""


def stamp() -> bytes:
    """The mark of an event that is written now."""
    return b"@%010d" % (int(time.perf_counter() * 1e6) % _WRAP)


class Reader:
    """Finds the marks in what arrives in pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def read(self, data: bytes) -> list[float]:
        """Seconds since each of the marks was written; NaN for one that another chunk of HTTP cut through."""
        if self._rest:
            data, self._rest = self._rest + data, b""
        last = data.rfind(_MARK)
        if last < 0:
            return []
        if len(data) - last < _WHOLE:
            data, self._rest = data[:last], data[last:]
        now = int(time.perf_counter() * 1e6)
        return [_since(piece[:DIGITS], now) for piece in data.split(_MARK)[1:]]


def _since(digits: bytes, now: int) -> float:
    return ((now - int(digits)) % _WRAP) / 1e6 if digits.isdigit() else float("nan")
