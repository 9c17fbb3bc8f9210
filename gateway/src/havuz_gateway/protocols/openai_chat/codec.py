"""Chat Completions as one of the hub's spokes."""

from havuz_gateway.protocols.codec import Codec
from havuz_gateway.protocols.openai.error_body import encode_error
from havuz_gateway.protocols.openai.errors import read_error
from havuz_gateway.protocols.openai_chat.decode_request import decode_request
from havuz_gateway.protocols.openai_chat.decode_response import decode_response
from havuz_gateway.protocols.openai_chat.decode_stream import OpenAIChatStreamDecoder
from havuz_gateway.protocols.openai_chat.encode_request import encode_request
from havuz_gateway.protocols.openai_chat.encode_response import encode_response
from havuz_gateway.protocols.openai_chat.encode_stream import OpenAIChatStreamEncoder
from havuz_gateway.protocols.openai_chat.wire import PROTOCOL

CODEC = Codec(
    protocol=PROTOCOL,
    decode_request=decode_request,
    encode_request=encode_request,
    decode_response=decode_response,
    encode_response=encode_response,
    stream_decoder=OpenAIChatStreamDecoder,
    stream_encoder=OpenAIChatStreamEncoder,
    decode_error=read_error,
    encode_error=encode_error,
)
