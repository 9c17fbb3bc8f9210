"""Decoding a body, with OpenAI's kind of complaint."""

from havuz_gateway.errors import InvalidRequest
from havuz_gateway.protocols.body import Body, BodyError


def decode(raw: bytes) -> Body:
    """The decoded body. Raises `InvalidRequest`."""
    if not raw:
        raise InvalidRequest("the body is empty: send a JSON object")
    try:
        return Body.decode(raw)
    except BodyError as error:
        raise InvalidRequest(error.message, param=error.param) from None
