"""Neutral parts to those of a content, for requests and for answers: https://ai.google.dev/api/caching#Part."""

from typing import Any

from havuz_gateway.protocols.gemini.calls import write_call
from havuz_gateway.protocols.gemini.media import write_source
from havuz_gateway.protocols.gemini.seals import write_redacted, write_thinking
from havuz_gateway.protocols.gemini.wire import PROTOCOL, written
from havuz_gateway.protocols.neutral.content import (
    Audio,
    Document,
    Image,
    Part,
    ProviderContent,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    Video,
)

Wire = dict[str, Any]


def write_part(part: Part) -> Wire | None:
    """The wire form of a part; None for one that Gemini has no form of, or only another provider can resolve."""
    match part:
        case Text():
            signed = {} if part.signature is None else {"thoughtSignature": part.signature}
            return written({"text": part.text, **signed}, part.extensions)
        case Refusal():
            return {"text": part.text}
        case Thinking():
            return written(write_thinking(part), part.extensions)
        case RedactedThinking():
            return written(write_redacted(part), part.extensions)
        case ToolCall():
            return write_call(part)
        case Image() | Audio() | Video() | Document():
            source = write_source(part.source)
            return None if source is None else written(source, part.extensions)
        case ProviderContent(protocol=protocol, wire=wire) if protocol == PROTOCOL:
            return dict(wire)
        case _:
            return None


def name_of(part: Part) -> str:
    """What a part that is left out is called."""
    match part:
        case ProviderContent():
            return part.kind
        case _:
            return type(part).__name__.lower()
