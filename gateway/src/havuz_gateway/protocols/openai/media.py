"""Media, and the marks that make a prompt worth caching, as OpenAI writes them in every protocol."""

import re
from typing import Any

from havuz_gateway.protocols.codec import Quirks
from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.content import (
    Audio,
    Base64Source,
    CacheMark,
    Document,
    Image,
    Part,
    Source,
    Text,
    UrlSource,
)
from havuz_gateway.protocols.neutral.extensions import Dropped

_DATA_URL = re.compile(r"data:([^;,]+);base64,(.*)", re.DOTALL)
_AUDIO_PREFIX = "audio/"
# Cache lifetimes that other protocols name, as the shortest of OpenAI's that lasts as long.
_TTLS = {None: None, "5m": None, "1h": "12h", "30m": "30m", "12h": "12h"}


def read_url(url: str) -> Base64Source | UrlSource:
    """What a URL in a message points to."""
    data = _DATA_URL.fullmatch(url)
    return Base64Source(data[1], data[2]) if data else UrlSource(url)


def write_url(source: Source) -> str | None:
    """The URL for a source, None for one that no URL can be."""
    match source:
        case Base64Source():
            return f"data:{source.media_type};base64,{source.data}"
        case UrlSource():
            return source.url
        case _:
            return None


def audio_type(name: str) -> str:
    """The media type for OpenAI's name of an audio format."""
    return _AUDIO_PREFIX + name


def audio_format(media_type: str) -> str | None:
    """OpenAI's name for a media type, None where it takes no such sound."""
    name = media_type.removeprefix(_AUDIO_PREFIX).removeprefix("x-")
    name = {"mpeg": "mp3", "wave": "wav"}.get(name, name)
    return name if name in ("wav", "mp3") else None


def read_mark(part: Members) -> CacheMark | None:
    """The cache breakpoint of a part."""
    match part.peek("prompt_cache_breakpoint"):
        case {"mode": "explicit", "ttl": str() as ttl, **rest} if not rest:
            part.take("prompt_cache_breakpoint")
            return CacheMark(ttl)
        case {"mode": "explicit", **rest} if not rest:
            part.take("prompt_cache_breakpoint")
            return CacheMark()
        case _:
            return None


def write_mark(part: Part, quirks: Quirks, dropped: Dropped) -> dict[str, Any]:
    """The member for the cache breakpoint of a part, where the provider takes one; else it is noted as dropped."""
    if not isinstance(part, Text | Image | Document | Audio) or part.cache is None:
        return {}
    if not quirks.cache_marks:
        dropped.note("cache_control")
        return {}
    ttl = _TTLS.get(part.cache.ttl)
    return {"prompt_cache_breakpoint": {"mode": "explicit", **({"ttl": ttl} if ttl else {})}}
