"""Pictures, sound, video and files: `inlineData`, `fileData`, and the neutral parts they are.

Gemini fetches its own uploads, `gs://` objects, YouTube and, with newer models, public https addresses.
https://ai.google.dev/api/caching#Blob, https://ai.google.dev/gemini-api/docs/file-input-methods
"""

import base64
from typing import Any
from urllib.parse import urlsplit

from havuz_gateway.protocols.gemini.wire import PROTOCOL
from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.content import (
    Audio,
    Base64Source,
    Document,
    FileSource,
    Image,
    Part,
    Source,
    TextSource,
    UrlSource,
    Video,
)
from havuz_gateway.protocols.neutral.extensions import Extensions, kept

_YOUTUBE = frozenset({"youtube.com", "www.youtube.com", "m.youtube.com", "youtu.be"})
_OWN_FILES = ("https://generativelanguage.googleapis.com/", "gs://", "files/")
_URL_SAFE = str.maketrans("-_", "+/")  # Google's Python SDK sends this alphabet, other providers refuse it
_TYPES = {
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif",
    "heic": "image/heic", "heif": "image/heif", "pdf": "application/pdf", "txt": "text/plain", "md": "text/markdown",
    "html": "text/html", "csv": "text/csv", "xml": "text/xml", "rtf": "text/rtf", "json": "application/json",
    "mp3": "audio/mp3", "wav": "audio/wav", "ogg": "audio/ogg", "flac": "audio/flac", "aac": "audio/aac",
    "aiff": "audio/aiff", "mp4": "video/mp4", "mov": "video/mov", "mpeg": "video/mpeg", "webm": "video/webm",
    "avi": "video/avi", "wmv": "video/wmv", "3gp": "video/3gpp",
}  # fmt: skip


def read_media(part: Members) -> Part | None:
    """The picture, sound, video or file in a part; None for a part that holds none."""
    if part.peek("inlineData") is not None:
        return _inline(part)
    return _file(part) if part.peek("fileData") is not None else None


def _inline(part: Members) -> Part | None:
    raw = part.peek("inlineData")
    blob = part.members("inlineData")
    if blob is None:
        return None
    media_type, data, title = blob.needed_text("mimeType"), blob.text("data") or "", blob.text("displayName")
    odd = title is not None or bool(blob.rest()) or "data" not in raw
    if "-" in data or "_" in data:
        data, odd = data.translate(_URL_SAFE), True
    spelled = {"inlineData": raw} if odd else {}
    return _of_type(media_type, Base64Source(media_type, data), title, kept(PROTOCOL, part.rest(), spelled=spelled))


def _file(part: Members) -> Part | None:
    raw = part.peek("fileData")
    file = part.members("fileData")
    if file is None:
        return None
    uri, media_type, title = file.needed_text("fileUri"), file.text("mimeType"), file.text("displayName")
    own = uri.startswith(_OWN_FILES)
    # What the address itself says is not said twice.
    source: Source = FileSource(uri, PROTOCOL) if own else UrlSource(uri, _unless(media_type, _type_of(uri)))
    spelled = {} if write_source(source) == {"fileData": raw} else {"fileData": raw}
    kind = media_type or _type_of(uri) or ("video/*" if _is_youtube(uri) else "")
    return _of_type(kind, source, title, kept(PROTOCOL, part.rest(), spelled=spelled))


def _of_type(media_type: str, source: Source, title: str | None, extensions: Extensions) -> Part:
    match media_type.partition("/")[0]:
        case "image":
            return Image(source, extensions=extensions)
        case "audio":
            return Audio(source, extensions=extensions)
        case "video":
            return Video(source, extensions=extensions)
        case _:
            return Document(source, title=title, extensions=extensions)


def write_source(source: Source) -> dict[str, Any] | None:
    """The member that holds a source, None for one that Gemini does not take."""
    match source:
        case Base64Source():
            return {"inlineData": {"mimeType": source.media_type, "data": source.data}}
        case UrlSource(url=url) if url.startswith(("https://", "http://")):
            media_type = source.media_type or _type_of(url)
            return {"fileData": {"fileUri": url, **({"mimeType": media_type} if media_type else {})}}
        case FileSource(origin=origin) if origin == PROTOCOL:
            return {"fileData": {"fileUri": source.id}}
        case TextSource():
            data = base64.b64encode(source.text.encode("utf-8", "replace")).decode()
            return {"inlineData": {"mimeType": source.media_type, "data": data}}
        case _:
            return None


def _type_of(url: str) -> str | None:
    try:
        path = urlsplit(url).path
    except ValueError:
        return None
    return _TYPES.get(path.rpartition(".")[2].lower())


def _unless(media_type: str | None, known: str | None) -> str | None:
    return None if media_type == known else media_type


def _is_youtube(url: str) -> bool:
    try:
        return urlsplit(url).hostname in _YOUTUBE
    except ValueError:
        return False
