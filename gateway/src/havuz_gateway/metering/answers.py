"""What an answer of `reserve.lua` means to a client: rate limit headers, or the error that says what is in the way."""

from collections.abc import Sequence
from typing import Any

from havuz_contract.money import format_amount
from havuz_gateway.errors import GatewayError, InsufficientBalance, PermissionDenied, RateLimited, ServiceUnavailable
from havuz_gateway.metering.meter import Admission

_NOT_AGAIN = {"x-should-retry": "false"}


def rate_headers(reply: Sequence[Any]) -> dict[str, str]:
    """OpenAI's `x-ratelimit-*` headers of the tightest limits; `reply` is the whole answer to an admission."""
    headers: dict[str, str] = {}
    for name, (limit, remaining, reset) in (("requests", reply[3:6]), ("tokens", reply[6:9])):
        if limit:
            headers[f"x-ratelimit-limit-{name}"] = str(limit)
            headers[f"x-ratelimit-remaining-{name}"] = str(remaining)
            headers[f"x-ratelimit-reset-{name}"] = _span(reset)
    return headers


def refusal(admission: Admission, reply: Sequence[Any]) -> GatewayError:
    """The error for an admission that was refused."""
    parts: list[Any] = [part.decode() if isinstance(part, bytes) else part for part in reply]
    word, details = parts[0], parts[1:]
    unit = admission.project.billing.unit
    match word:
        case "requests" | "tokens" | "concurrency":
            return _over_rate(word, *details)
        case "spend":
            whose, limit, wait = details
            return RateLimited(
                f"the {whose}'s spending of today would pass its limit of {format_amount(int(limit))} {unit} a day: "
                f"it starts anew at midnight UTC",
                retry_after=wait / 1000,
                headers=_NOT_AGAIN,
            )
        case "balance":
            return InsufficientBalance(
                f"the balance of {format_amount(int(details[0]))} {unit} does not cover this request, which may cost "
                f"up to {format_amount(admission.ceiling)} {unit}: top up, or bound the answer with max_tokens"
            )
        case "unit":
            return InsufficientBalance(
                f"this project's account is kept in {details[0]!r} and its plan is in {unit!r}: contact whoever gave "
                f"you the key"
            )
        case "suspended":
            return PermissionDenied("this project is suspended: contact whoever gave you the key")
        case _:
            return ServiceUnavailable("the request could not be counted: try again", retry_after=1)


def _over_rate(name: str, whose: str, limit: int, wait: int) -> RateLimited:
    if name == "concurrency":
        sentence = f"the {whose} has {limit} requests under way, which is its limit: try again when one has ended"
        return RateLimited(sentence, retry_after=wait / 1000)
    headers = {
        f"x-ratelimit-limit-{name}": str(limit),
        f"x-ratelimit-remaining-{name}": "0",
        f"x-ratelimit-reset-{name}": _span(max(0, wait)),
    }
    if wait < 0:
        sentence = (
            f"the request alone asks for more than the {whose}'s limit of {limit} tokens a minute: bound the answer"
        )
        return RateLimited(f"{sentence} with max_tokens, or shorten the prompt", headers=headers | _NOT_AGAIN)
    sentence = f"the {whose}'s limit of {limit} {name} a minute is reached: try again in {_span(wait)}"
    return RateLimited(sentence, retry_after=wait / 1000, headers=headers)


def _span(milliseconds: int) -> str:
    """As OpenAI writes it: `12ms`, `1.5s`, `6m0s`."""
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    seconds = f"{rest / 1000:g}s"
    return f"{minutes}m{seconds}" if minutes else seconds
