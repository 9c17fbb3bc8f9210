"""Small things of the Responses wire that requests, answers and streams share.

https://platform.openai.com/docs/api-reference/responses
"""

from collections.abc import Iterable, Mapping
from typing import Any

from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.errors import wrong_answer, wrong_field
from havuz_gateway.protocols.neutral.extensions import required, spelling
from havuz_gateway.protocols.neutral.response import TokenLogprob

PROTOCOL = "openai_responses"
ITEM = f"{PROTOCOL}.item"  # of the message that a text stands in
SPELLING = spelling(PROTOCOL)
ITEM_SPELLING = spelling(ITEM)
REQUIRED = required(PROTOCOL)
# Items made here have ids that a provider cannot know, so they are not handed on to one.
_MADE = "_havuz_"
PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "custom_tool_call": "ctc",
    "image_generation_call": "ig",
}


def request_members(value: Any, path: str) -> Members:
    """An object of a request."""
    return Members(value, path, wrong_field)


def answer_members(value: Any, path: str) -> Members:
    """An object of an answer."""
    return Members(value, path, wrong_answer)


def made_id(kind: str, response_id: str, index: int) -> str:
    """An id for the output item at `index` of a response, where its provider gave none."""
    return f"{PREFIXES[kind]}{_MADE}{response_id.removeprefix('resp_')}_{index}"


def own_id(value: str | None) -> str | None:
    """An item's id, unless it was made here."""
    return None if value is None or _MADE in value else value


def present(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members that are not None."""
    return {name: value for name, value in members.items() if value is not None}


def read_tokens(value: Any) -> tuple[TokenLogprob, ...]:
    """The log probabilities of a text's tokens; what is of another shape is left out."""
    if not isinstance(value, list):
        return ()
    return tuple(token for item in value if (token := _token(item)) is not None)


def _token(item: Any) -> TokenLogprob | None:
    match item:
        case {"token": str() as token, "logprob": int() | float() as logprob}:
            raw = item.get("bytes")
            plain = isinstance(raw, list) and all(type(byte) is int for byte in raw)
            data = tuple(raw) if plain and raw else None
            return TokenLogprob(token, logprob, bytes=data, top=read_tokens(item.get("top_logprobs")))
        case _:
            return None


def write_tokens(tokens: Iterable[TokenLogprob]) -> list[dict[str, Any]]:
    """`logprobs` of a text. SDKs want `bytes` to be an array."""
    return [{**_write_token(token), "top_logprobs": [_write_token(top) for top in token.top]} for token in tokens]


def _write_token(token: TokenLogprob) -> dict[str, Any]:
    return {"token": token.token, "logprob": token.logprob, "bytes": list(token.bytes or ())}
