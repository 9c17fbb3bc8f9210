"""The wire languages, by name: how each is relayed, operation by operation, and its codec for the hub."""

from havuz_gateway.protocols.anthropic import answer as anthropic_answer
from havuz_gateway.protocols.anthropic import stream as anthropic_stream
from havuz_gateway.protocols.anthropic.codec import CODEC as ANTHROPIC
from havuz_gateway.protocols.anthropic.errors import read_error as read_anthropic_error
from havuz_gateway.protocols.codec import Codec
from havuz_gateway.protocols.gemini import answer as gemini_answer
from havuz_gateway.protocols.gemini import images as gemini_images
from havuz_gateway.protocols.gemini import stream as gemini_stream
from havuz_gateway.protocols.gemini.codec import CODEC as GEMINI
from havuz_gateway.protocols.gemini.errors import read_error as read_gemini_error
from havuz_gateway.protocols.gemini.request import renamed
from havuz_gateway.protocols.images_wire import ImageCodec
from havuz_gateway.protocols.openai.errors import read_error as read_openai_error
from havuz_gateway.protocols.openai_audio import answer as audio_answer
from havuz_gateway.protocols.openai_audio import stream as audio_stream
from havuz_gateway.protocols.openai_chat import answer as chat_answer
from havuz_gateway.protocols.openai_chat import stream as chat_stream
from havuz_gateway.protocols.openai_chat.codec import CODEC as OPENAI_CHAT
from havuz_gateway.protocols.openai_images import answer as images_answer
from havuz_gateway.protocols.openai_images import stream as images_stream
from havuz_gateway.protocols.openai_responses import answer as responses_answer
from havuz_gateway.protocols.openai_responses import stream as responses_stream
from havuz_gateway.protocols.openai_responses.codec import CODEC as OPENAI_RESPONSES
from havuz_gateway.protocols.openai_responses.codec import OPEN_RESPONSES
from havuz_gateway.protocols.stable_diffusion import images as sd_images
from havuz_gateway.protocols.wire import Relayed

_CODECS = (OPENAI_CHAT, OPENAI_RESPONSES, ANTHROPIC, GEMINI)
CODECS: dict[str, Codec] = {codec.protocol: codec for codec in _CODECS}

IMAGE_CODECS: dict[str, ImageCodec] = {
    sd_images.PROTOCOL: ImageCodec(sd_images.encode_request, sd_images.decode_answer_of, sd_images.read_error),
    gemini_images.PROTOCOL: ImageCodec(gemini_images.encode_request, gemini_images.decode_answer_of, read_gemini_error),
}

# What clients may ask for in place of a protocol's usual codec.
DIALECTS: dict[str, Codec] = {"open_responses": OPEN_RESPONSES}

# (protocol, operation) → how an answer is read on its way through
_IMAGES = Relayed(images_answer.read_images, read_openai_error, images_stream.STREAM)
RELAYED: dict[tuple[str, str], Relayed] = {
    ("openai_chat", "chat"): Relayed(chat_answer.read_chat_answer, read_openai_error, chat_stream.STREAM),
    ("openai_chat", "embeddings"): Relayed(chat_answer.read_embeddings_answer, read_openai_error),
    ("openai_responses", "chat"): Relayed(responses_answer.read_response, read_openai_error, responses_stream.STREAM),
    ("openai_responses", "count_tokens"): Relayed(responses_answer.read_token_count, read_openai_error),
    ("openai_images", "image"): _IMAGES,
    ("openai_images", "image_edit"): _IMAGES,
    ("openai_audio", "speech"): Relayed(audio_answer.no_whole_speech, read_openai_error, audio_stream.STREAM),
    ("openai_audio", "transcription"): Relayed(
        audio_answer.read_transcription_answer, read_openai_error, audio_stream.STREAM
    ),
    ("anthropic", "chat"): Relayed(anthropic_answer.read_message, read_anthropic_error, anthropic_stream.STREAM),
    ("anthropic", "count_tokens"): Relayed(anthropic_answer.read_token_count, read_anthropic_error),
    ("gemini", "chat"): Relayed(gemini_answer.read_generated, read_gemini_error, gemini_stream.STREAM, renamed=renamed),
    ("gemini", "count_tokens"): Relayed(gemini_answer.read_token_count, read_gemini_error, renamed=renamed),
    ("gemini", "embeddings"): Relayed(gemini_answer.read_embeddings, read_gemini_error, renamed=renamed),
    ("gemini", "embedding"): Relayed(gemini_answer.read_embedding, read_gemini_error, renamed=renamed),
}
