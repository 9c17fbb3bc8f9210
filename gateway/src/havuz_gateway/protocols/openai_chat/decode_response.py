"""A Chat Completions answer to the neutral form: https://platform.openai.com/docs/api-reference/chat/object."""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.content import Audio, Base64Source, Image, Part, Refusal, Text, Thinking
from havuz_gateway.protocols.neutral.errors import AnswerFailed
from havuz_gateway.protocols.neutral.extensions import Extensions, kept
from havuz_gateway.protocols.neutral.response import ChatResponse, Choice, Logprobs
from havuz_gateway.protocols.openai.errors import read_stream_error
from havuz_gateway.protocols.openai.media import read_url
from havuz_gateway.protocols.openai.token_usage import read_chat_usage
from havuz_gateway.protocols.openai_chat.citations import read_annotations
from havuz_gateway.protocols.openai_chat.finish import read_finish, spelled_finish
from havuz_gateway.protocols.openai_chat.reasoning import take_thoughts
from havuz_gateway.protocols.openai_chat.tools import read_call, read_signature
from havuz_gateway.protocols.openai_chat.wire import (
    MESSAGE,
    PROTOCOL,
    answer_members,
    read_logprobs,
    write_logprobs,
    write_usage,
)

_OBJECT = "chat.completion"


def decode_response(body: Mapping[str, Any]) -> ChatResponse:
    """The answer in a decoded body. Raises `AnswerUnreadable`, or `AnswerFailed` for an error under status 200."""
    error = read_stream_error(body)
    if error is not None:
        raise AnswerFailed(error)
    fields = answer_members(body, "")
    choices = fields.peek("choices")
    if not isinstance(choices, list) or not choices:
        raise fields.wrong("choices", choices, "an array with a choice in it")
    response_id, created = fields.text("id") or "", fields.number("created")
    spelled: dict[str, Any] = {}
    kind = fields.take("object")
    if kind != _OBJECT:
        spelled["object"] = kind
    raw_usage = fields.take("usage")
    usage = read_chat_usage(raw_usage)
    if usage is not None and write_usage(usage) != raw_usage:
        spelled["usage"] = raw_usage
    return ChatResponse(
        id=response_id,
        model=fields.text("model") or "",
        choices=tuple(_choice(choice, response_id) for choice in fields.each("choices")),
        usage=usage,
        created=None if created is None else int(created),
        service_tier=fields.text("service_tier"),
        extensions=kept(PROTOCOL, fields.rest(), spelled=spelled),
    )


def _choice(choice: Members, response_id: str) -> Choice:
    message = choice.members("message")
    if message is None:
        raise choice.wrong("message", None, "an object")
    reason = choice.text("finish_reason")
    stop_reason = choice.take("stop_reason") if isinstance(choice.peek("stop_reason"), str) else None
    default: dict[str, Any] = {} if reason is not None else {"finish_reason": None}
    logprobs = _logprobs(choice)
    if logprobs is None:
        default["logprobs"] = None
    index = choice.whole("index") or 0
    parts, extensions = _message(message, f"{response_id}_{index}")
    finish = None if reason is None else read_finish(reason, stop_reason)
    return Choice(
        content=parts,
        finish=finish,
        index=index,
        logprobs=logprobs,
        extensions={**kept(PROTOCOL, choice.rest(), default=default, spelled=spelled_finish(finish)), **extensions},
    )


def _logprobs(choice: Members) -> Logprobs | None:
    raw = choice.take("logprobs")
    logprobs = read_logprobs(raw)
    if raw is not None and (logprobs is None or write_logprobs(logprobs) != raw):
        choice.put_back("logprobs", raw)
    return logprobs


def _message(message: Members, answer: str) -> tuple[tuple[Part, ...], Extensions]:
    message.take("role")
    raw = message.peek("content")
    spelled: dict[str, Any] = {}
    if isinstance(raw, list):
        spelled["content"] = message.take("content")
        texts = _parts(raw)
        text = None
    else:
        text = message.text("content")
        citations = read_annotations(message.take("annotations")) if message.peek("annotations") and text else ()
        texts = () if text is None else (Text(text, citations=citations, signature=read_signature(message)),)
    thoughts, spelled_thoughts = take_thoughts(message)
    refusal = message.text("refusal")
    calls = [read_call(call, f"call_{answer}_{number}") for number, call in enumerate(message.some("tool_calls"))]
    others = (*_images(message), *_audio(message))
    parts = (*thoughts, *texts, *((Refusal(refusal),) if refusal is not None else ()), *others, *calls)
    default: dict[str, Any] = {} if text is not None or texts else {"content": None}
    if refusal is None:
        default["refusal"] = None
    return parts, kept(MESSAGE, message.rest(), default=default, spelled=spelled | spelled_thoughts)


def _parts(content: list[Any]) -> tuple[Part, ...]:
    """Content in parts, as Mistral's reasoning models answer: text, and thinking made of texts."""
    parts: list[Part] = []
    for index, item in enumerate(content):
        match item:
            case {"type": "text", "text": str() as text}:
                parts.append(Text(text))
            case {"type": "thinking", "thinking": list() as inner}:
                parts.append(Thinking("".join(part.text for part in _parts(inner) if isinstance(part, Text))))
            case _:
                path = f"choices.message.content[{index}]"
                raise answer_members(item, path).wrong("type", item, "a documented content part")
    return tuple(parts)


def _images(message: Members) -> tuple[Image, ...]:
    """Pictures in an answer, as OpenRouter and Google's compatible endpoint give them."""
    return tuple(read_image(image) for image in message.some("images"))


def read_image(image: Members) -> Image:
    """One picture of an answer."""
    image.take("type")
    inner = image.members("image_url")
    if inner is None:
        raise image.wrong("image_url", None, "an object with a 'url'")
    source = read_url(inner.needed_text("url"))
    return Image(source, detail=inner.text("detail"), extensions=kept(PROTOCOL, image.rest()))


def _audio(message: Members) -> tuple[Audio, ...]:
    audio = message.members("audio")
    if audio is None:
        return ()
    source = Base64Source("audio/*", audio.text("data") or "")
    return (
        Audio(
            source,
            id=audio.text("id"),
            transcript=audio.text("transcript"),
            expires_at=audio.whole("expires_at"),
            extensions=kept(PROTOCOL, audio.rest()),
        ),
    )
