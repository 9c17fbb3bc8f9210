"""Small things of the Chat Completions wire that requests, answers and streams share.

https://platform.openai.com/docs/api-reference/chat
"""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.errors import wrong_answer, wrong_field
from havuz_gateway.protocols.neutral.extensions import spelling
from havuz_gateway.protocols.neutral.response import Logprobs, TokenLogprob
from havuz_gateway.protocols.usage import Usage

PROTOCOL = "openai_chat"
MESSAGE = f"{PROTOCOL}.message"  # of an answer's choice
SPELLING = spelling(PROTOCOL)


def request_members(value: Any, path: str) -> Members:
    """An object of a request."""
    return Members(value, path, wrong_field)


def answer_members(value: Any, path: str) -> Members:
    """An object of an answer."""
    return Members(value, path, wrong_answer)


def write_usage(usage: Usage) -> dict[str, Any]:
    """OpenAI's `usage`, with the details that clients read."""
    prompt_details = {"cached_tokens": usage.cache_read}
    if usage.cache_write:
        prompt_details["cache_write_tokens"] = usage.cache_write
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": prompt_details,
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


def read_logprobs(value: Any) -> Logprobs | None:
    """Log probabilities, None where there are none or they are of another shape."""
    if not isinstance(value, Mapping):
        return None
    content, refusal = _tokens(value.get("content")), _tokens(value.get("refusal"))
    return Logprobs(content, refusal) if content is not None or refusal is not None else None


def write_logprobs(logprobs: Logprobs) -> dict[str, Any]:
    """OpenAI's `logprobs`."""
    return {"content": _write_tokens(logprobs.content), "refusal": _write_tokens(logprobs.refusal)}


def _tokens(value: Any) -> tuple[TokenLogprob, ...] | None:
    if not isinstance(value, list):
        return None
    return tuple(token for item in value if (token := _token(item)) is not None)


def _token(item: Any) -> TokenLogprob | None:
    match item:
        case {"token": str() as token, "logprob": int() | float() as logprob}:
            raw = item.get("bytes")
            data = tuple(raw) if isinstance(raw, list) and all(type(byte) is int for byte in raw) else None
            return TokenLogprob(token, logprob, bytes=data, top=_tokens(item.get("top_logprobs")) or ())
        case _:
            return None


def _write_tokens(tokens: tuple[TokenLogprob, ...] | None) -> list[dict[str, Any]] | None:
    if tokens is None:
        return None
    return [{**_write_token(token), "top_logprobs": [_write_token(top) for top in token.top]} for token in tokens]


def _write_token(token: TokenLogprob) -> dict[str, Any]:
    data = None if token.bytes is None else list(token.bytes)
    return {"token": token.token, "logprob": token.logprob, "bytes": data}
