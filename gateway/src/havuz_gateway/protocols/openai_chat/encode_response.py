"""A neutral answer to a Chat Completions answer. Thinking and its seals ride along as `reasoning` says."""

from typing import Any

from havuz_gateway.protocols.codec import Encoded, Stamp
from havuz_gateway.protocols.neutral.content import (
    Audio,
    Base64Source,
    Image,
    Part,
    ProviderContent,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    joined_text,
)
from havuz_gateway.protocols.neutral.extensions import Dropped, restored, spelling
from havuz_gateway.protocols.neutral.response import ChatResponse, Choice
from havuz_gateway.protocols.openai.media import write_url
from havuz_gateway.protocols.openai_chat.citations import write_annotations
from havuz_gateway.protocols.openai_chat.finish import write_finish
from havuz_gateway.protocols.openai_chat.reasoning import NAMES, write_thoughts
from havuz_gateway.protocols.openai_chat.tools import write_call, write_signature
from havuz_gateway.protocols.openai_chat.wire import MESSAGE, PROTOCOL, SPELLING, write_logprobs, write_usage


def encode_response(response: ChatResponse, stamp: Stamp) -> Encoded:
    """The body of an answer. Raises `AnswerFailed` for an answer that ended in an error."""
    dropped = Dropped(PROTOCOL)
    body: dict[str, Any] = {
        "id": stamp.id or response.id,
        "object": "chat.completion",
        "created": stamp.created if response.created is None else response.created,
        "model": stamp.model or response.model,
        "choices": [_choice(choice, dropped) for choice in response.choices],
    }
    if response.usage is not None:
        body["usage"] = write_usage(response.usage)
    if response.service_tier is not None:
        body["service_tier"] = response.service_tier
    return Encoded(restored(PROTOCOL, body, response.extensions), dropped.names())


def _choice(choice: Choice, dropped: Dropped) -> dict[str, Any]:
    members: dict[str, Any] = {"index": choice.index, "message": _message(choice, dropped)}
    default: dict[str, Any] = {}
    if choice.logprobs is not None:
        members["logprobs"] = write_logprobs(choice.logprobs)
    else:
        default["logprobs"] = None
    if choice.finish is not None:
        spelled = choice.extensions.get(SPELLING, {}).get("finish_reason")
        members["finish_reason"] = spelled or write_finish(choice.finish)
        if choice.finish.stop_sequence is not None:
            members["stop_reason"] = choice.finish.stop_sequence
    else:
        default["finish_reason"] = None
    return restored(PROTOCOL, members, choice.extensions, default=default)


def _message(choice: Choice, dropped: Dropped) -> dict[str, Any]:
    members: dict[str, Any] = {"role": "assistant"}
    default: dict[str, Any] = {}
    texts = [part for part in choice.content if isinstance(part, Text)]
    if texts:
        members["content"] = joined_text(choice.content)
    else:
        default["content"] = None
    refusals = [part.text for part in choice.content if isinstance(part, Refusal)]
    if refusals:
        members["refusal"] = "".join(refusals)
    else:
        default["refusal"] = None
    annotations = write_citations(texts, dropped)
    if annotations:
        members["annotations"] = annotations
    if not any(name in choice.extensions.get(spelling(MESSAGE), {}) for name in NAMES):
        members |= write_thoughts(choice.content)
    for text in texts:
        members |= write_signature(text.signature)
    members |= _others(choice.content, dropped)
    return restored(MESSAGE, members, choice.extensions, default=default)


def write_citations(texts: list[Text], dropped: Dropped) -> list[dict[str, Any]]:
    """The annotations of all text blocks, by indexes into their joined text."""
    annotations: list[dict[str, Any]] = []
    begin = 0
    for text in texts:
        written = write_annotations(text.citations, begin, begin + len(text.text))
        if len(written) < len(text.citations):
            dropped.note("citations")
        annotations += written
        begin += len(text.text)
    return annotations


def _others(parts: tuple[Part, ...], dropped: Dropped) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for part in parts:
        match part:
            case ToolCall():
                dropped.foreign(part.extensions, "tool_calls")
                members.setdefault("tool_calls", []).append(write_call(part))
            case Image():
                image = write_image(part, dropped)
                if image:
                    members.setdefault("images", []).append(image)
            case Audio(source=Base64Source() as source):
                members["audio"] = write_audio(part, source)
            case ProviderContent():
                dropped.note(part.kind)
            case Text() | Thinking() | RedactedThinking() | Refusal():
                pass
            case _:
                dropped.note(type(part).__name__.lower())
    return members


def write_image(part: Image, dropped: Dropped) -> dict[str, Any]:
    """One picture of an answer; nothing for one that only another provider can show."""
    url = write_url(part.source)
    if url is None:
        dropped.note("image")
        return {}
    image = {"url": url} if part.detail is None else {"url": url, "detail": part.detail}
    return restored(PROTOCOL, {"type": "image_url", "image_url": image}, part.extensions)


def write_audio(part: Audio, source: Base64Source) -> dict[str, Any]:
    """Spoken answer."""
    members = {
        "id": part.id,
        "data": source.data,
        "expires_at": part.expires_at,
        "transcript": part.transcript,
    }
    present = {name: value for name, value in members.items() if value is not None}
    return restored(PROTOCOL, present, part.extensions)
