"""Content parts to those of a request's messages and tool results."""

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
    Refusal,
    Text,
    TextSource,
    UrlSource,
)
from havuz_gateway.protocols.neutral.errors import cannot_say
from havuz_gateway.protocols.neutral.extensions import Dropped, restored
from havuz_gateway.protocols.openai.media import audio_format, write_mark, write_url
from havuz_gateway.protocols.openai_responses.read_parts import DETAIL
from havuz_gateway.protocols.openai_responses.wire import PROTOCOL, present

Wire = dict[str, Any]
_FILES = (PROTOCOL, "openai_chat")  # one file store for all that OpenAI speaks


class PartWriter:
    """Writes the parts of one request."""

    def __init__(self, quirks: Quirks, dropped: Dropped) -> None:
        self._quirks = quirks
        self._dropped = dropped

    def content(self, content: Content, path: str) -> Any:
        """A string or an array of parts. Raises `CannotExpress`."""
        if isinstance(content, str):
            return content
        return [self._part(part, f"{path}.content[{index}]") for index, part in enumerate(content)]

    def _part(self, part: Part, path: str) -> Wire:
        if isinstance(part, ProviderContent):
            raise cannot_say(path, "content of another provider's own kind", PROTOCOL)
        self._dropped.foreign(part.extensions, path)
        members, default = self._spoken(part, path)
        members |= write_mark(part, self._quirks, self._dropped)
        return restored(PROTOCOL, members, part.extensions, default=default)

    def _spoken(self, part: Part, path: str) -> tuple[Wire, Wire]:
        """The wire form of a part, and what is added to it by default."""
        match part:
            case Text():
                if part.citations:
                    self._dropped.note(f"{path}.citations")
                if part.signature is not None:
                    self._dropped.note(f"{path}.thought_signature")
                return {"type": "input_text", "text": part.text}, {}
            case Refusal():
                return {"type": "input_text", "text": part.text}, {}
            case Image():
                members = {"type": "input_image", **_image(part, path), **present({"detail": part.detail})}
                return members, DETAIL if part.detail is None else {}
            case Document():
                return self._document(part, path), {}
            case Audio():
                return _audio(part, path), {}
            case _:
                raise cannot_say(path, "moving pictures, or thinking or a call outside the assistant's part", PROTOCOL)

    def _document(self, part: Document, path: str) -> Wire:
        for name in ("cited", "context"):
            if getattr(part, name):
                self._dropped.note(f"{path}.{'citations' if name == 'cited' else name}")
        named = present({"filename": part.title})
        match part.source:
            case TextSource(text):
                return {"type": "input_text", "text": f"{part.title}\n\n{text}" if part.title else text}
            case FileSource(file_id, origin) if origin in _FILES:
                return {"type": "input_file", "file_id": file_id, **named}
            case UrlSource(url):
                return {"type": "input_file", "file_url": url, **named}
            case Base64Source() as source:
                named = named or ({} if PROTOCOL in part.extensions else {"filename": "document.pdf"})
                return {"type": "input_file", **self._data(part, source), **named}
            case _:
                raise cannot_say(path, "a document that is made of parts, or lies with another provider", PROTOCOL)

    def _data(self, part: Document, source: Base64Source) -> Wire:
        spelled = part.extensions.get(f"{PROTOCOL}:spelling", {})
        return {} if "file_url" in spelled else {"file_data": write_url(source)}


def _image(part: Image, path: str) -> Wire:
    match part.source:
        case FileSource(file_id, origin) if origin in _FILES:
            return {"file_id": file_id}
        case source:
            url = write_url(source)
            if url is None:
                raise cannot_say(path, "a picture that lies with another provider", PROTOCOL)
            return {"image_url": url}


def _audio(part: Audio, path: str) -> Wire:
    """Sound goes only where it came from: OpenAI's models do not hear it here, servers that speak like it may."""
    source = part.source
    name = audio_format(source.media_type) if isinstance(source, Base64Source) else None
    if PROTOCOL not in part.extensions or not isinstance(source, Base64Source) or name is None:
        raise cannot_say(path, "sound", PROTOCOL)
    return {"type": "input_audio", "input_audio": {"data": source.data, "format": name}}
