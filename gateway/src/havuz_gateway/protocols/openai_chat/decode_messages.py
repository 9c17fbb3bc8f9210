"""Messages of a Chat Completions request to the neutral form."""

from typing import Any, cast

from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.content import (
    Audio,
    Base64Source,
    CacheMark,
    Content,
    Document,
    FileSource,
    Image,
    Part,
    Refusal,
    Text,
    ToolResult,
    Video,
)
from havuz_gateway.protocols.neutral.errors import unknown_type
from havuz_gateway.protocols.neutral.extensions import kept
from havuz_gateway.protocols.neutral.request import Message, Role
from havuz_gateway.protocols.openai.media import audio_type, read_mark, read_url
from havuz_gateway.protocols.openai_chat.reasoning import take_thoughts
from havuz_gateway.protocols.openai_chat.tools import read_call
from havuz_gateway.protocols.openai_chat.wire import PROTOCOL, request_members


def read_message(message: Members) -> Message:
    """One entry of `messages`. Raises `InvalidRequest`."""
    role = message.needed_text("role")
    match role:
        case "system" | "developer" | "user":
            content = _content(message)
            if content is None:
                raise message.wrong("content", None, "a string or an array of parts")
            return Message(
                cast("Role", role), content, name=message.text("name"), extensions=kept(PROTOCOL, message.rest())
            )
        case "assistant":
            return _assistant(message)
        case "tool":
            return _tool(message)
        case "function":
            raise message.wrong("role", role, "'tool': functions are the old form of tools")
        case _:
            raise message.wrong("role", role, "'system', 'developer', 'user', 'assistant' or 'tool'")


def _tool(message: Members) -> Message:
    result = ToolResult(
        message.needed_text("tool_call_id"),
        _content(message),
        name=message.text("name"),
        extensions=kept(PROTOCOL, message.rest()),
    )
    return Message("tool", (result,))


def _assistant(message: Members) -> Message:
    if message.peek("function_call") is not None:
        raise message.wrong("function_call", None, "'tool_calls': functions are the old form of tools")
    raw = message.peek("content")
    content = _content(message)
    thoughts, spelled = take_thoughts(message)
    refusal = message.text("refusal")
    calls = tuple(read_call(call, f"call_{number}") for number, call in enumerate(message.some("tool_calls")))
    name = message.text("name")
    default = {} if content is not None else {"content": None}
    if isinstance(content, str) and not (thoughts or calls or refusal is not None):
        return Message("assistant", content, name=name, extensions=kept(PROTOCOL, message.rest(), spelled=spelled))
    if isinstance(content, tuple):
        spelled["content"] = raw  # an assistant's texts are encoded as one string
    texts: tuple[Part, ...] = (Text(content),) if isinstance(content, str) else content or ()
    parts = (*thoughts, *texts, *((Refusal(refusal),) if refusal is not None else ()), *calls)
    extensions = kept(PROTOCOL, message.rest(), default=default, spelled=spelled)
    return Message("assistant", parts, name=name, extensions=extensions)


def _content(message: Members) -> Content | None:
    content = message.take("content")
    if content is None or isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise message.wrong("content", content, "a string or an array of parts")
    return tuple(
        read_part(request_members(part, f"{message.at('content')}[{index}]")) for index, part in enumerate(content)
    )


def read_part(part: Members) -> Part:
    """One content part. Raises `UnknownContent` for a type that is not documented."""
    kind = part.needed_text("type")
    mark = read_mark(part)
    match kind:
        case "text":
            text = part.needed_text("text")
            return Text(text, cache=mark, extensions=kept(PROTOCOL, part.rest()))
        case "refusal":
            text = part.needed_text("refusal")
            return Refusal(text, extensions=kept(PROTOCOL, part.rest()))
        case "image_url":
            image = _needed(part, "image_url", "an object with a 'url'")
            source, detail = read_url(image.needed_text("url")), image.text("detail")
            return Image(source, detail=detail, cache=mark, extensions=_kept_with(part, "image_url", image))
        case "video_url":  # of compatible servers: vLLM, Qwen
            video = _needed(part, "video_url", "an object with a 'url'")
            source = read_url(video.needed_text("url"))
            return Video(source, extensions=_kept_with(part, "video_url", video))
        case "input_audio":
            audio = _needed(part, "input_audio", "an object with 'data' and 'format'")
            sound = Base64Source(audio_type(audio.needed_text("format")), audio.needed_text("data"))
            return Audio(sound, cache=mark, extensions=_kept_with(part, "input_audio", audio))
        case "file":
            return _file(part, mark)
        case _:
            raise unknown_type(part.at("type"), kind, PROTOCOL)


def _file(part: Members, mark: CacheMark | None) -> Document:
    raw = part.peek("file")
    file = _needed(part, "file", "an object with 'file_id' or 'file_data'")
    title, file_id, data = file.text("filename"), file.text("file_id"), file.text("file_data")
    spelled: dict[str, Any] = {}
    if file_id is not None:
        return Document(
            FileSource(file_id, PROTOCOL), title=title, cache=mark, extensions=_kept_with(part, "file", file)
        )
    if data is None:
        raise file.wrong("file_data", None, "a data URL, unless 'file_id' is given")
    source = read_url(data)
    if not isinstance(source, Base64Source):
        source = Base64Source("application/pdf", data)  # bare base64, as some clients send it
        spelled["file"] = raw
    extensions = kept(PROTOCOL, part.rest(), spelled=spelled)
    return Document(source, title=title, cache=mark, extensions=extensions)


def _needed(part: Members, name: str, wanted: str) -> Members:
    inner = part.members(name)
    if inner is None:
        raise part.wrong(name, None, wanted)
    return inner


def _kept_with(part: Members, name: str, inner: Members) -> Any:
    """The leftovers of a part and of the object in it, which stay under its name."""
    if inner.rest():
        part.put_back(name, inner.rest())
    return kept(PROTOCOL, part.rest())
