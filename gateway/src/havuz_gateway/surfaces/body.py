"""Decoding a body, with OpenAI's kind of complaint."""

from collections.abc import Mapping

from havuz_gateway.errors import InvalidRequest
from havuz_gateway.protocols.body import Body, BodyError
from havuz_gateway.protocols.json_text import dump
from havuz_gateway.protocols.multipart import FormError
from havuz_gateway.protocols.openai.forms import Kind, typed
from havuz_gateway.transport.upload import Upload


def decode(raw: bytes) -> Body:
    """The decoded body. Raises `InvalidRequest`."""
    if not raw:
        raise InvalidRequest("the body is empty: send a JSON object")
    try:
        return Body.decode(raw)
    except BodyError as error:
        raise InvalidRequest(error.message, param=error.param) from None


def decode_form(upload: Upload, kinds: Mapping[str, Kind]) -> Body:
    """The texts of a form as a JSON body would have them. Raises `InvalidRequest`."""
    try:
        fields = typed(upload.fields(), kinds)
    except FormError as error:
        raise InvalidRequest(error.message, param=error.param) from None
    text = dump(fields)
    return Body(text.encode(), text, fields)
