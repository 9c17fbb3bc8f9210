"""What the client is told when no upstream answered. Pure: failed attempts and the pool's state in, an error out."""

import json
from collections.abc import Sequence

from havuz_gateway.errors import GatewayError, RateLimited, ServiceUnavailable, UpstreamRefused
from havuz_gateway.pipeline.attempt import Failed
from havuz_gateway.pool.select import Unavailable
from havuz_gateway.pool.verdict import Reason

_OWN_FAULT = frozenset({Reason.CLIENT_ERROR, Reason.CONTEXT_LENGTH})


def refusal(model: str, failures: Sequence[Failed], unavailable: Unavailable, *, same_protocol: bool) -> GatewayError:
    """The error for a request that nothing answered.

    The request's own fault is told in the provider's words; else 429 where rate limits alone stand in the way,
    else 503, with the soonest return of a key as `retry_after`. `same_protocol` says that the provider's error body is
    in the client's language.
    """
    last = failures[-1] if failures else None
    if last is not None and last.verdict.reason in _OWN_FAULT:
        return _provider_words(last, same_protocol=same_protocol)
    rate_limited = unavailable.rate_limited_only and all(
        failed.verdict.reason is Reason.RATE_LIMITED for failed in failures
    )
    states = ", ".join(f"{count} {state}" for state, count in sorted(unavailable.counts.items()))
    tried = f" after {len(failures)} attempt{'s' if len(failures) != 1 else ''}" if failures else ""
    sentence = f"no upstream of model {model!r} can answer now{tried}"
    sentence += f" (keys: {states}); try again later" if states else "; try again later"
    kind = RateLimited if rate_limited else ServiceUnavailable
    return kind(sentence, retry_after=max(1.0, unavailable.retry_after))


def _provider_words(failed: Failed, *, same_protocol: bool) -> UpstreamRefused:
    error, verdict = failed.error, failed.verdict
    return UpstreamRefused(
        verdict.status if verdict.status is not None and 400 <= verdict.status < 500 else 400,
        error.message if error is not None and error.message else verdict.message,
        error_type=error.type if error is not None and same_protocol else None,
        code=_code(failed, same_protocol=same_protocol),
        param=error.param if error is not None else None,
        body=failed.body if same_protocol and _is_error_object(failed.body) else None,
    )


def _code(failed: Failed, *, same_protocol: bool) -> str | int | None:
    """The provider's own code; of another protocol's codes only the one is told that clients look for."""
    if same_protocol:
        return failed.error.code if failed.error is not None else None
    return "context_length_exceeded" if failed.verdict.reason is Reason.CONTEXT_LENGTH else None


def _is_error_object(body: bytes | None) -> bool:
    """Whether a client of the protocol can read it: servers of nearly the same protocol have other forms."""
    try:
        decoded = json.loads(body or b"")
    except (ValueError, RecursionError):
        return False
    error = decoded.get("error") if isinstance(decoded, dict) else None
    return isinstance(error, dict) and isinstance(error.get("message"), str)
