"""Sound of the mock: real files in every format, each as long as it is said to be."""

import hashlib
import struct

import pytest

from havuz_gateway.protocols.openai_audio.wav import HEADER_BYTES, seconds_of
from havuz_gateway.providers.mock.sound import FORMATS
from havuz_gateway.transport.media_types import LOOK_BYTES, sniff

KNOWN_AS = {"audio/opus": "audio/ogg", "audio/pcm": None}  # PCM has no header to be known by
# The beginnings of the SHA-256 of two seconds, which FFmpeg 8 decoded without a complaint to sound of that length.
DECODED = {
    "mp3": "8c052f02fb4da6e0",
    "opus": "bb1641de95a18e97",
    "aac": "193f3ec323cb5f6f",
    "flac": "bfc543ef3b6f687c",
    "wav": "b3cbdcb8dd8b010f",
    "pcm": "4c02b07916f1bf34",
}


@pytest.mark.parametrize("form", FORMATS)
def test_a_format_is_what_a_decoder_has_taken(form: str) -> None:
    kind, make = FORMATS[form]
    sound = b"".join(make(2))
    assert hashlib.sha256(sound).hexdigest().startswith(DECODED[form]), "decode it, then write its digest here"
    assert sniff(sound[:LOOK_BYTES]) == KNOWN_AS.get(kind, kind)


@pytest.mark.parametrize("form", FORMATS)
def test_each_second_is_a_piece(form: str) -> None:
    _, make = FORMATS[form]
    header = len(list(make(1))) - 1
    assert len(list(make(300))) == header + 300


def test_lengths_stand_in_the_headers() -> None:
    wav, flac, opus = (b"".join(FORMATS[form][1](7)) for form in ("wav", "flac", "opus"))
    assert seconds_of(wav[:HEADER_BYTES], len(wav)) == 7
    assert int.from_bytes(flac[18:26], "big") & (1 << 36) - 1 == 7 * 24_000
    last = opus.rindex(b"OggS")
    assert struct.unpack_from("<q", opus, last + 6) == (7 * 48_000,)
