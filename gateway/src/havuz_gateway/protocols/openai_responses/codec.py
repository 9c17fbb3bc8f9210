"""Responses as one of the hub's spokes, in OpenAI's words and in those of Open Responses."""

from dataclasses import replace
from functools import partial

from havuz_gateway.protocols.codec import Codec
from havuz_gateway.protocols.openai.error_body import encode_error
from havuz_gateway.protocols.openai.errors import read_error
from havuz_gateway.protocols.openai_responses.decode_request import decode_request
from havuz_gateway.protocols.openai_responses.decode_response import decode_response
from havuz_gateway.protocols.openai_responses.decode_stream import ResponsesStreamDecoder
from havuz_gateway.protocols.openai_responses.encode_request import encode_request
from havuz_gateway.protocols.openai_responses.encode_response import encode_response
from havuz_gateway.protocols.openai_responses.encode_stream import ResponsesStreamEncoder
from havuz_gateway.protocols.openai_responses.wire import PROTOCOL

CODEC = Codec(
    protocol=PROTOCOL,
    decode_request=decode_request,
    encode_request=encode_request,
    decode_response=decode_response,
    encode_response=encode_response,
    stream_decoder=ResponsesStreamDecoder,
    stream_encoder=ResponsesStreamEncoder,
    decode_error=read_error,
    encode_error=encode_error,
)
# For clients that ask for the dialect; what providers send is read in both.
OPEN_RESPONSES = replace(CODEC, stream_encoder=partial(ResponsesStreamEncoder, open_responses=True))
