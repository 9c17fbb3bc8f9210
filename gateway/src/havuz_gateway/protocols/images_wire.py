"""Pictures on their way between OpenAI's language and another."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from havuz_gateway.protocols import sse
from havuz_gateway.protocols.answer import Answer
from havuz_gateway.protocols.codec import Encoded, Stamp
from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.protocols.json_text import encode_json
from havuz_gateway.protocols.neutral.errors import AnswerFailed
from havuz_gateway.protocols.neutral.images import ImageAnswer, ImageRequest
from havuz_gateway.protocols.openai_images.translate import encode_answer, encode_events
from havuz_gateway.protocols.tap import Tap


@dataclass(frozen=True, slots=True)
class ImageCodec:
    """How one language asks for pictures and brings them. `decode_answer` raises `AnswerUnreadable`."""

    encode_request: Callable[[ImageRequest], Encoded]
    decode_answer: Callable[[bytes, ImageRequest], ImageAnswer]
    read_error: Callable[[bytes], ProviderError]


@dataclass(frozen=True, slots=True)
class ImagesWire:
    """The way of one answer to `request`. `stream`: the client wants events, also of what comes whole."""

    codec: ImageCodec
    request: ImageRequest
    stamp: Stamp
    stream: bool = False

    def read_error(self, body: bytes) -> ProviderError:
        """The error in the body of a refused call."""
        return self.codec.read_error(body)

    def read_answer(self, body: bytes) -> Answer:
        """A whole answer, translated. Raises `AnswerUnreadable`."""
        try:
            found = self.codec.decode_answer(body, self.request)
        except AnswerFailed as failed:
            return Answer(body=b"", error=failed.error)
        answer = Answer(body=b"", usage=found.usage, id=found.id, model=found.model)
        if self.stream:
            told = encode_events(found, self.request, self.stamp.created)
            events = b"".join(sse.encode_named(event["type"], encode_json(event)) for event in told)
            return replace(answer, body=events, content_type=sse.CONTENT_TYPE)
        return replace(answer, body=encode_json(encode_answer(found, self.stamp.created)))

    def tap(self, *, max_event_bytes: int) -> Tap:
        """No provider of another language streams its pictures."""
        raise ValueError("pictures are not streamed between two languages")
