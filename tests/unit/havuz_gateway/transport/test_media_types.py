"""What the first bytes of a file say it is."""

import pytest

from havuz_gateway.transport.media_types import AUDIO, EXTENSIONS, IMAGES, TYPES, sniff

HEADS = {
    "image/png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "image/jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    "image/gif": b"GIF89a\x01\0\x01\0",
    "image/webp": b"RIFF\x24\0\0\0WEBPVP8 ",
    "image/avif": b"\0\0\0\x1cftypavif\0\0\0\0",
    "audio/wav": b"RIFF\x24\0\0\0WAVEfmt ",
    "audio/flac": b"fLaC\0\0\0\x22",
    "audio/ogg": b"OggS\0\x02",
    "audio/webm": b"\x1a\x45\xdf\xa3\x01",
    "audio/mp4": b"\0\0\0\x18ftypM4A \0\0\0\0",
    "audio/aac": b"\xff\xf1\x50\x80",
    "audio/mpeg": b"\xff\xfb\x90\x64",
}


@pytest.mark.parametrize("kind", HEADS)
def test_a_file_is_known_by_its_first_bytes(kind: str) -> None:
    assert sniff(HEADS[kind]) == kind


def test_every_type_has_an_extension_of_its_own_and_is_known() -> None:
    assert set(EXTENSIONS) == set(HEADS) == IMAGES | AUDIO
    assert {TYPES[extension]: extension for extension in TYPES} == dict(EXTENSIONS)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xff",
        b"<svg xmlns='http://www.w3.org/2000/svg'>",
        b"<!doctype html>",
        b"%PDF-1.7",
        b"GIF88a",
        b"RIFFxxxxAVI ",
    ],
)
def test_anything_else_is_of_no_known_type(head: bytes) -> None:
    assert sniff(head) is None


def test_an_mp3_may_begin_with_its_title() -> None:
    assert sniff(b"ID3\x04\0\0") == "audio/mpeg"
