"""When a provider says that it may be asked again: headers and bodies in, seconds out. Pure."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from havuz_gateway.protocols.errors import ProviderError

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_PIECE = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SPAN = re.compile(rf"(?:{_PIECE.pattern})+")
_TRY_AGAIN = re.compile(rf"(?:try again|retry) in ({_SPAN.pattern})")  # OpenAI and Groq, Google
_RETRY_AFTER = re.compile(r"retry after (\d{1,9}) seconds?")  # Azure
_REGAIN = re.compile(r"regain access on (\d{4}-\d\d-\d\d) at (\d\d:\d\d) UTC")  # Anthropic
REFILLED = 0.1
# The headers of one allowance: what remains of it, and when it is whole again.
_ALLOWANCES = (
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
    ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
    ("anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-reset"),
    ("anthropic-ratelimit-output-tokens-remaining", "anthropic-ratelimit-output-tokens-reset"),
    ("x-ratelimit-remaining", "x-ratelimit-reset"),  # OpenRouter
)
_EPOCH_SECONDS = 1e9  # a larger number is a moment, not a span
_EPOCH_MILLISECONDS = 1e12


def retry_hint(headers: Mapping[str, str], error: ProviderError, now_wall: float) -> float | None:
    """Seconds until the provider wants to be asked again, or None where it does not say. Never negative.

    `headers` have lower-case names (or find names in any case); `now_wall` is unix seconds, for hints that name a date.
    """
    return (
        _number(headers.get("retry-after-ms"), 0.001)
        or retry_after(headers.get("retry-after"), now_wall)
        or error.retry_delay
        or _allowance_reset(headers, now_wall)
        or _in_words(error.message, now_wall)
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


def rest_hint(headers: Mapping[str, str], now_wall: float) -> float | None:
    """Seconds for which a key is better not asked, told by an answer that was given: its allowance is used up with it.

    Allowances are refilled evenly, and the reset is when one is whole again
    (https://platform.openai.com/docs/guides/rate-limits, https://platform.claude.com/docs/en/api/rate-limits): after
    a tenth of that time a tenth of it is back, so a key that rests so long loses nothing.
    """
    resets = [
        seconds
        for remaining, reset in _ALLOWANCES
        if headers.get(remaining) == "0" and (seconds := _reset(headers.get(reset), now_wall)) is not None
    ]
    return max(resets) * REFILLED if resets else None


def span(text: str) -> float | None:
    """Seconds of a time span as OpenAI's `x-ratelimit-reset-*` headers write it: `1s`, `6m0s`, `120ms`."""
    if _SPAN.fullmatch(text) is None:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _PIECE.findall(text))


def _allowance_reset(headers: Mapping[str, str], now_wall: float) -> float | None:
    """The reset of the allowance that is used up; where none is said to be, the soonest reset."""
    resets = {
        remaining: seconds
        for remaining, reset in _ALLOWANCES
        if (seconds := _reset(headers.get(reset), now_wall)) is not None
    }
    empty = [seconds for remaining, seconds in resets.items() if headers.get(remaining) == "0"]
    return max(empty) if empty else min(resets.values(), default=None)


def _reset(text: str | None, now_wall: float) -> float | None:
    """Seconds until a reset: a span (`6m0s`, `17`), unix seconds or milliseconds, or an RFC 3339 timestamp."""
    if not text:
        return None
    text = text.strip()
    number = _number(text, 1.0)
    if number is not None:
        if number < _EPOCH_SECONDS:
            return number
        moment = number / 1_000 if number >= _EPOCH_MILLISECONDS else number
        return max(0.0, moment - now_wall)
    return span(text) if _SPAN.fullmatch(text) else _until(text, now_wall)


def _until(text: str, now_wall: float) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now_wall)


def _in_words(message: str, now_wall: float) -> float | None:
    if found := _TRY_AGAIN.search(message):
        return span(found[1])
    if found := _RETRY_AFTER.search(message):
        return float(found[1])
    if found := _REGAIN.search(message):
        return _until(f"{found[1]}T{found[2]}", now_wall)
    return None


def _number(text: str | None, unit: float) -> float | None:
    try:
        seconds = float(text or "") * unit
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
