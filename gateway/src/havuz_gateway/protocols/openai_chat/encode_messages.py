"""Neutral messages to those of a Chat Completions request.

A tool's result is a message of its own here, and holds only text: pictures and files in it follow in a user message
once all results of the turn are told, because nothing may stand between a call and its results.
"""

from collections.abc import Sequence
from typing import Any

from havuz_gateway.protocols.codec import Quirks
from havuz_gateway.protocols.neutral.content import (
    Audio,
    Base64Source,
    Content,
    Document,
    FileSource,
    Image,
    Part,
    ProviderContent,
    RedactedThinking,
    Refusal,
    Text,
    TextSource,
    Thinking,
    ToolCall,
    ToolResult,
    Video,
    joined_text,
    parts_of,
)
from havuz_gateway.protocols.neutral.errors import cannot_say
from havuz_gateway.protocols.neutral.extensions import Dropped, restored
from havuz_gateway.protocols.neutral.request import Message, paths
from havuz_gateway.protocols.openai.media import audio_format, write_mark, write_url
from havuz_gateway.protocols.openai_chat.reasoning import NAMES, write_thoughts
from havuz_gateway.protocols.openai_chat.tools import write_call, write_signature
from havuz_gateway.protocols.openai_chat.wire import PROTOCOL, SPELLING

Wire = dict[str, Any]


class MessageWriter:
    """Writes the messages of one request, in order."""

    def __init__(self, quirks: Quirks, dropped: Dropped) -> None:
        self._quirks = quirks
        self._dropped = dropped
        self._written: list[Wire] = []
        self._after_results: list[Wire] = []

    def write(self, messages: Sequence[Message]) -> list[Wire]:
        """All messages. Raises `CannotExpress`."""
        for message, path in zip(messages, paths(messages), strict=True):
            self._message(message, path)
        self._flush()
        return self._written

    def _message(self, message: Message, path: str) -> None:
        self._dropped.foreign(message.extensions, path)
        if message.role == "assistant":
            self._flush()
            self._written.append(self._assistant(message, path))
            return
        results = [part for part in parts_of(message.content) if isinstance(part, ToolResult)]
        for result in results:
            self._result(result, path)
        if results:
            others = tuple(part for part in parts_of(message.content) if not isinstance(part, ToolResult))
            if not others:
                return
            content: Content = others
        else:
            content = message.content
        self._flush()
        role = self._quirks.instruction_role if message.role == "developer" else message.role
        members: Wire = {"role": "user" if role == "tool" else role, "content": self._content(content, path)}
        if message.name is not None:
            members["name"] = message.name
        self._written.append(restored(PROTOCOL, members, message.extensions))

    def _flush(self) -> None:
        if self._after_results:
            self._written.append({"role": "user", "content": self._after_results})
            self._after_results = []

    def _result(self, result: ToolResult, path: str) -> None:
        self._dropped.foreign(result.extensions, path)
        if result.is_error:
            self._dropped.note(f"{path}.is_error")
        self._mark(result.cache)
        parts = parts_of(result.content)
        texts = tuple(part for part in parts if isinstance(part, Text))
        others = [part for part in parts if not isinstance(part, Text)]
        content = result.content if isinstance(result.content, str) else self._content(texts, path) if texts else ""
        members: Wire = {"role": "tool", "tool_call_id": result.call_id, "content": content}
        if result.name is not None:
            members["name"] = result.name
        self._written.append(restored(PROTOCOL, members, result.extensions))
        if others:
            self._after_results.append(
                {"type": "text", "text": f"Part of the result of the tool call {result.call_id}:"}
            )
            self._after_results += (self._part(part, path) for part in others)

    def _assistant(self, message: Message, path: str) -> Wire:
        members: Wire = {"role": "assistant"}
        parts = self._sayable(parts_of(message.content), path)
        texts = tuple(part for part in parts if isinstance(part, Text))
        if texts:
            members["content"] = self._assistant_text(texts, message.content, path)
        refusals = [part.text for part in parts if isinstance(part, Refusal)]
        if refusals:
            members["refusal"] = "".join(refusals)
        if not any(name in message.extensions.get(SPELLING, {}) for name in NAMES):
            members |= write_thoughts(parts)
        calls = [write_call(part) for part in parts if isinstance(part, ToolCall)]
        if calls:
            members["tool_calls"] = calls
        if message.name is not None:
            members["name"] = message.name
        for part in texts:
            members |= write_signature(part.signature)
        default = {} if texts else {"content": None}
        return restored(PROTOCOL, members, message.extensions, default=default)

    def _assistant_text(self, texts: tuple[Text, ...], content: Content, path: str) -> Any:
        if isinstance(content, str):
            return content
        if self._quirks.cache_marks and any(text.cache for text in texts):
            return [self._part(text, path) for text in texts]
        for text in texts:
            self._mark(text.cache)
            self._dropped.foreign(text.extensions, path)
        return joined_text(texts)

    def _sayable(self, parts: tuple[Part, ...], path: str) -> tuple[Part, ...]:
        """The parts without those that an assistant's message has no place for."""
        kept: list[Part] = []
        for part in parts:
            match part:
                case Thinking() | RedactedThinking() if not self._quirks.replay_thinking:
                    self._dropped.note(f"{path}.thinking")
                case ProviderContent():
                    self._dropped.note(f"{path}.{part.wire.get('type', 'content')}")
                case Text(citations=[_, *_]):
                    self._dropped.note(f"{path}.citations")
                    kept.append(part)
                case ToolCall():
                    kept.append(self._call(part, path))
                case Text() | Thinking() | RedactedThinking() | Refusal():
                    kept.append(part)
                case _:
                    raise cannot_say(path, "a picture, file or tool result said by the assistant", PROTOCOL)
        return tuple(kept)

    def _call(self, call: ToolCall, path: str) -> ToolCall:
        self._dropped.foreign(call.extensions, path)
        self._mark(call.cache)
        if call.signature is None or self._quirks.replay_thinking:
            return call
        self._dropped.note(f"{path}.thinking")
        return ToolCall(call.id, call.name, call.arguments, kind=call.kind, extensions=call.extensions)

    def _content(self, content: Content, path: str) -> Any:
        if isinstance(content, str):
            return content
        return [self._part(part, f"{path}.content[{index}]") for index, part in enumerate(content)]

    def _mark(self, mark: object) -> None:
        if mark is not None:
            self._dropped.note("cache_control")

    def _part(self, part: Part, path: str) -> Wire:
        if isinstance(part, ProviderContent):
            raise cannot_say(path, "content of another provider's own kind", PROTOCOL)
        self._dropped.foreign(part.extensions, path)
        members, inner = self._spoken(part, path)
        members |= write_mark(part, self._quirks, self._dropped)
        return restored(PROTOCOL, members, part.extensions, inner=inner)

    def _spoken(self, part: Part, path: str) -> tuple[Wire, str | None]:
        """The wire form of a part and the name of the object in it."""
        match part:
            case Text():
                if part.citations:
                    self._dropped.note(f"{path}.citations")
                return {"type": "text", "text": part.text}, None
            case Refusal():
                return {"type": "refusal", "refusal": part.text}, None
            case Image():
                return {"type": "image_url", "image_url": _image(part, path)}, "image_url"
            case Video():
                return {"type": "video_url", "video_url": {"url": _url(part, path)}}, "video_url"
            case Audio():
                return {"type": "input_audio", "input_audio": _audio(part, path)}, "input_audio"
            case Document():
                return self._document(part, path)
            case _:
                raise cannot_say(path, "thinking or a tool call outside the assistant's messages", PROTOCOL)

    def _document(self, part: Document, path: str) -> tuple[Wire, str | None]:
        for name in ("cited", "context"):
            if getattr(part, name):
                self._dropped.note(f"{path}.{'citations' if name == 'cited' else name}")
        named = {"filename": part.title} if part.title is not None else {}
        match part.source:
            case TextSource(text):
                titled = f"{part.title}\n\n{text}" if part.title else text
                return {"type": "text", "text": titled}, None
            case FileSource(file_id, origin) if origin == PROTOCOL:
                return {"type": "file", "file": {"file_id": file_id, **named}}, "file"
            case Base64Source() as source:
                named = named or {"filename": "document.pdf"} if PROTOCOL not in part.extensions else named
                return {"type": "file", "file": {"file_data": write_url(source), **named}}, "file"
            case _:
                raise cannot_say(path, "a document that is neither inline data nor a file of OpenAI's", PROTOCOL)


def _image(part: Image, path: str) -> Wire:
    image = {"url": _url(part, path)}
    return image if part.detail is None else {**image, "detail": part.detail}


def _url(part: Image | Video, path: str) -> str:
    url = write_url(part.source)
    if url is None:
        raise cannot_say(path, "a file of another provider", PROTOCOL)
    return url


def _audio(part: Audio, path: str) -> Wire:
    source = part.source
    name = audio_format(source.media_type) if isinstance(source, Base64Source) else None
    if not isinstance(source, Base64Source) or name is None:
        raise cannot_say(path, "sound that is not inline WAV or MP3", PROTOCOL)
    return {"data": source.data, "format": name}
