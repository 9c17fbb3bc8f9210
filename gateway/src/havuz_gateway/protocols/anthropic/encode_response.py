"""A neutral answer to a Messages answer."""

from typing import Any

from havuz_gateway.protocols.anthropic.citations import write_citation
from havuz_gateway.protocols.anthropic.finish import write_finish
from havuz_gateway.protocols.anthropic.thinking import write_call_seal, write_redacted, write_signature
from havuz_gateway.protocols.anthropic.usage import write_usage
from havuz_gateway.protocols.anthropic.wire import PROTOCOL, SPELLING, write_cache, write_input
from havuz_gateway.protocols.codec import Encoded, Stamp
from havuz_gateway.protocols.neutral.content import (
    Citation,
    Part,
    ProviderContent,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
)
from havuz_gateway.protocols.neutral.errors import AnswerUnreadable
from havuz_gateway.protocols.neutral.extensions import Dropped, restored
from havuz_gateway.protocols.neutral.response import ChatResponse, Choice
from havuz_gateway.protocols.usage import Usage


def encode_response(response: ChatResponse, stamp: Stamp) -> Encoded:
    """The body of an answer. Raises `AnswerFailed` for one that ended in an error, `AnswerUnreadable` for none."""
    if not response.choices:
        raise AnswerUnreadable("the provider's answer has no choice")
    dropped = Dropped(PROTOCOL)
    choice = response.choices[0]
    if len(response.choices) > 1:
        dropped.note("choices")
    if choice.logprobs is not None:
        dropped.note("logprobs")
    finish = choice.finish
    body: dict[str, Any] = {
        "id": stamp.id or response.id,
        "type": "message",
        "role": "assistant",
        "model": stamp.model or response.model,
        "content": [block for part in choice.content for block in _blocks(part, dropped)],
    }
    default: dict[str, Any] = {}
    if finish is not None:
        body["stop_reason"] = _stop_reason(choice)
    else:
        default["stop_reason"] = None
    if finish is not None and finish.stop_sequence is not None:
        body["stop_sequence"] = finish.stop_sequence
    else:
        default["stop_sequence"] = None
    body["usage"] = write_usage(response.usage or Usage(0, 0), response.service_tier)
    body = restored(PROTOCOL, body, response.extensions, default=default)
    return Encoded(restored(PROTOCOL, body, choice.extensions), dropped.names())


def _stop_reason(choice: Choice) -> str | None:
    if choice.finish is None:
        return None
    spelled = choice.extensions.get(SPELLING, {}).get("stop_reason")
    if isinstance(spelled, str):
        return spelled
    calls = any(isinstance(part, ToolCall) for part in choice.content)
    refused = any(isinstance(part, Refusal) for part in choice.content)
    return write_finish(choice.finish, calls=calls, refused=refused)


def _blocks(part: Part, dropped: Dropped) -> list[dict[str, Any]]:
    match part:
        case Text():
            if part.signature is not None:
                dropped.note("thought_signature")
            if not part.text and not part.citations:
                return []  # Anthropic never says nothing, and refuses an empty block in the next turn
            citations = write_citations(part.citations, dropped)
            text = {"type": "text", "text": part.text, **({"citations": citations} if citations else {})}
            return [restored(PROTOCOL, text | write_cache(part.cache), part.extensions)]
        case Refusal():
            return [{"type": "text", "text": part.text}]
        case Thinking():
            thinking = {"type": "thinking", "thinking": part.text, "signature": write_signature(part)}
            return [restored(PROTOCOL, thinking, part.extensions)]
        case RedactedThinking():
            return [write_redacted(part)]
        case ToolCall():
            dropped.foreign(part.extensions, "tool_use")
            call = {"type": "tool_use", "id": part.id, "name": part.name, "input": write_input(part.arguments)}
            seal = [] if part.signature is None else [write_call_seal(part.id, part.signature)]
            return [*seal, restored(PROTOCOL, call, part.extensions)]
        case ProviderContent(protocol=protocol) if protocol == PROTOCOL:
            return [dict(part.wire)]
        case ProviderContent():
            dropped.note(part.kind)
            return []
        case _:
            dropped.note(type(part).__name__.lower())
            return []


def write_citations(citations: tuple[Citation, ...], dropped: Dropped) -> list[dict[str, Any]]:
    """The citations of a text block; sources without an address are named."""
    written = [wire for citation in citations if (wire := write_citation(citation)) is not None]
    if len(written) < len(citations):
        dropped.note("citations")
    return written
