"""Messages as one of the hub's spokes."""

from havuz_gateway.protocols.anthropic.decode_request import decode_request
from havuz_gateway.protocols.anthropic.decode_response import decode_response
from havuz_gateway.protocols.anthropic.decode_stream import AnthropicStreamDecoder
from havuz_gateway.protocols.anthropic.encode_request import encode_request
from havuz_gateway.protocols.anthropic.encode_response import encode_response
from havuz_gateway.protocols.anthropic.encode_stream import AnthropicStreamEncoder
from havuz_gateway.protocols.anthropic.errors import encode_error, read_error
from havuz_gateway.protocols.anthropic.wire import PROTOCOL
from havuz_gateway.protocols.codec import Codec

CODEC = Codec(
    protocol=PROTOCOL,
    decode_request=decode_request,
    encode_request=encode_request,
    decode_response=decode_response,
    encode_response=encode_response,
    stream_decoder=AnthropicStreamDecoder,
    stream_encoder=AnthropicStreamEncoder,
    decode_error=read_error,
    encode_error=encode_error,
)
