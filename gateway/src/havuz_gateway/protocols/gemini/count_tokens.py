"""Token counts, whose request is contents alone or a whole generateContent request: https://ai.google.dev/api/tokens."""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.codec import Encoded, Quirks
from havuz_gateway.protocols.gemini.decode_request import decode_request
from havuz_gateway.protocols.gemini.encode_request import encode_request
from havuz_gateway.protocols.gemini.names import camelled
from havuz_gateway.protocols.gemini.wire import answer_members, request_members
from havuz_gateway.protocols.neutral.request import ChatRequest

_WHOLE = "generateContentRequest"


def read_count_request(body: Mapping[str, Any]) -> ChatRequest:
    """What is to be counted. Raises `InvalidRequest` naming the field; `contents` excludes a whole request."""
    plain, _ = camelled(dict(body))
    fields = request_members(plain, "")
    whole = fields.mapping(_WHOLE)
    if whole is None:
        return decode_request(body)
    if fields.peek("contents"):
        raise fields.wrong("contents", fields.peek("contents"), f"left out where {_WHOLE!r} is given")
    return decode_request(whole)


def write_count_request(request: ChatRequest, quirks: Quirks) -> Encoded:
    """The body that asks Google to count `request`, whose model stands in it. Raises `CannotExpress`."""
    encoded = encode_request(request, quirks)
    return Encoded({_WHOLE: {"model": f"models/{request.model}", **encoded.body}}, encoded.dropped)


def read_count(body: Mapping[str, Any]) -> int:
    """The tokens that Google counted. Raises `AnswerUnreadable`."""
    return answer_members(body, "").tokens("totalTokens")


def write_count(tokens: int) -> dict[str, Any]:
    """The answer for a client."""
    return {"totalTokens": tokens, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens}]}
