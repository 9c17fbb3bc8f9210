"""generateContent as one of the hub's spokes."""

from havuz_gateway.protocols.codec import Codec
from havuz_gateway.protocols.gemini.decode_request import decode_request
from havuz_gateway.protocols.gemini.decode_response import decode_response
from havuz_gateway.protocols.gemini.decode_stream import GeminiStreamDecoder
from havuz_gateway.protocols.gemini.encode_request import encode_request
from havuz_gateway.protocols.gemini.encode_response import encode_response
from havuz_gateway.protocols.gemini.encode_stream import GeminiStreamEncoder
from havuz_gateway.protocols.gemini.errors import encode_error, read_error
from havuz_gateway.protocols.gemini.wire import PROTOCOL

CODEC = Codec(
    protocol=PROTOCOL,
    decode_request=decode_request,
    encode_request=encode_request,
    decode_response=decode_response,
    encode_response=encode_response,
    stream_decoder=GeminiStreamDecoder,
    stream_encoder=GeminiStreamEncoder,
    decode_error=read_error,
    encode_error=encode_error,
)
