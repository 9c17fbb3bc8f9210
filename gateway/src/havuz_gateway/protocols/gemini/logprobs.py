"""`logprobsResult`, both ways: https://ai.google.dev/api/generate-content#LogprobsResult."""

from collections.abc import Mapping, Sequence
from typing import Any

from havuz_gateway.protocols.neutral.response import Logprobs, TokenLogprob


def read_logprobs(value: Any) -> Logprobs | None:
    """Log probabilities of the chosen tokens; None where there are none."""
    if not isinstance(value, Mapping):
        return None
    chosen, top = _list(value.get("chosenCandidates")), _list(value.get("topCandidates"))
    if not chosen:
        return None
    tokens = []
    for index, item in enumerate(chosen):
        token = _token(item)
        at = top[index] if index < len(top) else None
        others = _list(at.get("candidates")) if isinstance(at, Mapping) else []
        likeliest = tuple(found for other in others if (found := _token(other)) is not None)
        if token is not None:
            tokens.append(TokenLogprob(token.token, token.logprob, top=likeliest))
    return Logprobs(content=tuple(tokens)) if tokens else None


def write_logprobs(logprobs: Logprobs) -> dict[str, Any]:
    """Google's `logprobsResult`; the bytes of a token are not said."""
    tokens = logprobs.content or logprobs.refusal or ()
    result: dict[str, Any] = {"chosenCandidates": _written(tokens)}
    if any(token.top for token in tokens):
        result["topCandidates"] = [{"candidates": _written(token.top)} for token in tokens]
    return result


def _token(item: Any) -> TokenLogprob | None:
    match item:
        case {"token": str() as token, "logProbability": int() | float() as logprob}:
            return TokenLogprob(token, logprob)
        case _:
            return None


def _written(tokens: Sequence[TokenLogprob]) -> list[dict[str, Any]]:
    return [{"token": token.token, "logProbability": token.logprob} for token in tokens]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
