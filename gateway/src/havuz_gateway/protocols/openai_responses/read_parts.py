"""Content parts of a request's messages and tool results."""

from typing import Any

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
    Source,
    Text,
)
from havuz_gateway.protocols.neutral.errors import unknown_type
from havuz_gateway.protocols.neutral.extensions import kept
from havuz_gateway.protocols.openai.media import audio_type, read_mark, read_url
from havuz_gateway.protocols.openai_responses.wire import PROTOCOL, request_members

DETAIL = {"detail": "auto"}  # what a picture that says nothing of it is sent with


def read_content(holder: Members, name: str) -> Content:
    """A string, or an array of parts."""
    content = holder.take(name)
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise holder.wrong(name, content, "a string or an array of parts")
    return tuple(read_part(request_members(part, f"{holder.at(name)}[{index}]")) for index, part in enumerate(content))


def read_part(part: Members) -> Part:
    """One content part. Raises `UnknownContent` for a type that is not documented."""
    kind = part.peek("type")
    match kind:
        case "input_text" | "output_text" | "text":
            part.take("type")
            mark, text = read_mark(part), part.needed_text("text")
            spelled = {} if kind == "input_text" else {"type": kind}
            return Text(text, cache=mark, extensions=kept(PROTOCOL, part.rest(), spelled=spelled))
        case "input_image":
            part.take("type")
            return _image(part, read_mark(part))
        case "input_file":
            part.take("type")
            return _file(part, read_mark(part))
        case "input_audio":
            part.take("type")
            return _audio(part)
        case _:
            raise unknown_type(part.at("type"), kind, PROTOCOL)


def _image(part: Members, mark: CacheMark | None) -> Image:
    url, file_id = part.text("image_url"), part.text("file_id")
    detail = part.text("detail")
    if detail == DETAIL["detail"]:
        part.put_back("detail", detail)
        detail = None
    default = DETAIL if detail is None else {}
    if url is None and file_id is None:
        raise part.wrong("image_url", None, "a URL, unless 'file_id' is given")
    source: Source = read_url(url) if url is not None else FileSource(file_id or "", PROTOCOL)
    spelled = {"file_id": file_id} if url is not None and file_id is not None else {}
    return Image(
        source, detail=detail, cache=mark, extensions=kept(PROTOCOL, part.rest(), default=default, spelled=spelled)
    )


def _file(part: Members, mark: CacheMark | None) -> Document:
    title, file_id = part.text("filename"), part.text("file_id")
    url, data = part.text("file_url"), part.text("file_data")
    spelled: dict[str, Any] = {}
    source: Source
    if file_id is not None:
        source = FileSource(file_id, PROTOCOL)
    elif url is not None:
        source = read_url(url)
        if isinstance(source, Base64Source):
            spelled["file_url"] = url
    elif data is not None:
        source = read_url(data)
        if not isinstance(source, Base64Source):
            source = Base64Source("application/pdf", data)  # bare base64, as the documents show it
            spelled["file_data"] = data
    else:
        raise part.wrong("file_data", None, "a data URL, unless 'file_id' or 'file_url' is given")
    extensions = kept(PROTOCOL, part.rest(), spelled=spelled)
    if title is None:
        extensions = {PROTOCOL: part.rest(), **extensions}  # an entry, even an empty one: it came without a name
    return Document(source, title=title, cache=mark, extensions=extensions)


def _audio(part: Members) -> Audio:
    """The entry in the extensions says that it came this way: OpenAI itself hears nothing here, others do."""
    audio = part.members("input_audio")
    if audio is None:
        raise part.wrong("input_audio", None, "an object with 'data' and 'format'")
    sound = Base64Source(audio_type(audio.needed_text("format")), audio.needed_text("data"))
    if audio.rest():
        part.put_back("input_audio", audio.rest())
    return Audio(sound, extensions={PROTOCOL: part.rest()})
