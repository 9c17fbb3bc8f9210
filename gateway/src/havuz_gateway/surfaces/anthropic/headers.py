"""Headers of an answer under the names that Anthropic's clients look for.

https://platform.claude.com/docs/en/api/rate-limits#response-headers
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from havuz_gateway.pool.hints import span

PASSED_ON = ("anthropic-version", "anthropic-beta")  # a client's, which a provider of the same protocol is sent
_LIMITED = ("requests", "tokens")


def answer_headers(headers: Mapping[str, str], *, request_id: str, now: float) -> dict[str, str]:
    """What is added to an answer with `headers`; `now` is unix seconds, since Anthropic names the time of a reset."""
    added = {"request-id": request_id}
    for name in _LIMITED:
        limit = headers.get(f"x-ratelimit-limit-{name}")
        if limit is None:
            continue
        added[f"anthropic-ratelimit-{name}-limit"] = limit
        added[f"anthropic-ratelimit-{name}-remaining"] = headers[f"x-ratelimit-remaining-{name}"]
        reset = datetime.fromtimestamp(now + (span(headers[f"x-ratelimit-reset-{name}"]) or 0.0), UTC)
        added[f"anthropic-ratelimit-{name}-reset"] = f"{reset:%Y-%m-%dT%H:%M:%SZ}"
    return added
