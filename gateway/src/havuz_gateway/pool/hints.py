"""When a provider says that it may be asked again: headers and bodies in, seconds out. Pure."""

import math
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from havuz_gateway.protocols.errors import ProviderError

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_PIECE = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SPAN = re.compile(rf"(?:{_PIECE.pattern})+")
_TRY_AGAIN = re.compile(rf"try again in ({_SPAN.pattern})")
_BUCKETS = ("requests", "tokens")


def retry_hint(headers: Mapping[str, str], error: ProviderError, now_wall: float) -> float | None:
    """Seconds until the provider wants to be asked again, or None where it does not say. Never negative.

    `headers` have lower-case names (or find names in any case); `now_wall` is unix seconds, for hints that name a date.
    """
    return (
        _number(headers.get("retry-after-ms"), 0.001)
        or retry_after(headers.get("retry-after"), now_wall)
        or error.retry_delay
        or _bucket_reset(headers)
        or _in_words(error.message)
    )


def retry_after(value: str | None, now_wall: float) -> float | None:
    """The `Retry-After` header: seconds, or a date (RFC 9110, section 10.2.3)."""
    if value is None:
        return None
    seconds = _number(value, 1.0)
    if seconds is not None:
        return seconds
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, date.timestamp() - now_wall)


def span(text: str) -> float | None:
    """Seconds of a time span as OpenAI's `x-ratelimit-reset-*` headers write it: `1s`, `6m0s`, `120ms`."""
    if _SPAN.fullmatch(text) is None:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _PIECE.findall(text))


def _bucket_reset(headers: Mapping[str, str]) -> float | None:
    """The reset of the bucket that is empty; where none is said to be, the sooner reset."""
    resets = {
        name: seconds
        for name in _BUCKETS
        if (text := headers.get(f"x-ratelimit-reset-{name}")) and (seconds := span(text.strip())) is not None
    }
    empty = [seconds for name, seconds in resets.items() if headers.get(f"x-ratelimit-remaining-{name}") == "0"]
    return max(empty) if empty else min(resets.values(), default=None)


def _in_words(message: str) -> float | None:
    found = _TRY_AGAIN.search(message)
    return span(found[1]) if found else None


def _number(text: str | None, unit: float) -> float | None:
    try:
        seconds = float(text or "") * unit
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
