"""Pictures and sounds that are taken and given: the type, how its first bytes look, and its file extension.

What a browser could run is not among them: no SVG, no HTML.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

EXTENSIONS: Mapping[str, str] = MappingProxyType(
    {
        "image/png": "png",
        "image/jpeg": "jpg",
        "image/webp": "webp",
        "image/gif": "gif",
        "image/avif": "avif",
        "audio/mpeg": "mp3",
        "audio/wav": "wav",
        "audio/flac": "flac",
        "audio/ogg": "ogg",
        "audio/aac": "aac",
        "audio/mp4": "m4a",
        "audio/webm": "weba",
    }
)
TYPES: Mapping[str, str] = MappingProxyType({extension: kind for kind, extension in EXTENSIONS.items()})
IMAGES = frozenset(kind for kind in EXTENSIONS if kind.startswith("image/"))
AUDIO = frozenset(EXTENSIONS) - IMAGES
LOOK_BYTES = 32
"""How many of the first bytes `sniff` wants to see."""

_ADTS_MASK, _ADTS = 0xFFF6, 0xFFF0  # a sync word of twelve bits, any version, layer 0
_MPEG_MASK, _MPEG = 0xFFE0, 0xFFE0  # a sync word of eleven bits; with a layer, which AAC does not have


def sniff(head: bytes) -> str | None:
    """The type that a file's first `LOOK_BYTES` are of, or None. See https://mimesniff.spec.whatwg.org."""
    return next((kind for kind, looks in _LOOKS if looks(head)), None)


def _begins(*beginnings: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(beginnings)


def _riff(form: bytes) -> Callable[[bytes], bool]:
    return lambda head: head[:4] == b"RIFF" and head[8:12] == form


def _iso(*brands: bytes) -> Callable[[bytes], bool]:
    return lambda head: head[4:8] == b"ftyp" and head[8:12] in brands


def _frame(mask: int, value: int) -> Callable[[bytes], bool]:
    return lambda head: len(head) > 1 and int.from_bytes(head[:2], "big") & mask == value


_LOOKS: tuple[tuple[str, Callable[[bytes], bool]], ...] = (
    ("image/png", _begins(b"\x89PNG\r\n\x1a\n")),
    ("image/jpeg", _begins(b"\xff\xd8\xff")),
    ("image/gif", _begins(b"GIF87a", b"GIF89a")),
    ("image/webp", _riff(b"WEBP")),
    ("image/avif", _iso(b"avif", b"avis")),
    ("audio/wav", _riff(b"WAVE")),
    ("audio/flac", _begins(b"fLaC")),
    ("audio/ogg", _begins(b"OggS")),
    ("audio/webm", _begins(b"\x1a\x45\xdf\xa3")),
    ("audio/mp4", _iso(b"M4A ", b"mp41", b"mp42", b"isom", b"dash")),
    ("audio/aac", _frame(_ADTS_MASK, _ADTS)),
    ("audio/mpeg", _begins(b"ID3")),
    ("audio/mpeg", _frame(_MPEG_MASK, _MPEG)),
)
