"""Sound in every format that speech can have: a quiet tone (WAV, PCM) or silence, in real files, a second at a time.

FLAC is https://www.rfc-editor.org/rfc/rfc9639, Opus in Ogg https://www.rfc-editor.org/rfc/rfc7845 and
https://www.rfc-editor.org/rfc/rfc3533, AAC in ADTS ISO/IEC 14496-3, 1.A.2.2.
"""

import math
import struct
from collections.abc import Callable, Iterator

_RATE = 24_000  # samples a second, as OpenAI's PCM has
_TONE_HERTZ = 440
_LOUDNESS = 1_000
# MPEG-1 layer III at 128 kbit/s and 44.1 kHz: a frame without a bit of sound in it.
_MP3_FRAME = b"\xff\xfb\x90\x64" + bytes(413)
_MP3_FRAMES = 38  # in a second, about
# A frame of 1024 samples, LC, 24 kHz, mono: 7 bytes of header, and one channel's element of which no band has a value.
_AAC_FRAME = bytes.fromhex("fff1584001 7ffc 00000007".replace(" ", ""))
_AAC_FRAMES = 23
_OPUS_RATE = 48_000  # in which Ogg counts, whatever was sung into it
_OPUS_PACKET = b"\xf8\xff\xfe"  # 20 ms of silence, mono
_OPUS_PACKETS = 50
_OPUS_SKIP = 312  # samples that a decoder leaves out at the start
_OGG_SERIAL = 1
_FLAC_BLOCK = 24_000  # samples a frame: a second


def wav(seconds: int) -> Iterator[bytes]:
    """A tone, 16 bits a sample."""
    size = seconds * _RATE * 2
    form = struct.pack("<IHHIIHH", 16, 1, 1, _RATE, 2 * _RATE, 2, 16)
    yield b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt " + form + b"data" + struct.pack("<I", size)
    yield from pcm(seconds)


def pcm(seconds: int) -> Iterator[bytes]:
    """A tone, 16 bits a sample, without a header."""
    turn = 2 * math.pi * _TONE_HERTZ / _RATE
    tone = struct.pack(f"<{_RATE}h", *(int(_LOUDNESS * math.sin(turn * index)) for index in range(_RATE)))
    for _ in range(seconds):
        yield tone


def mp3(seconds: int) -> Iterator[bytes]:
    """Silence."""
    for _ in range(seconds):
        yield _MP3_FRAME * _MP3_FRAMES


def aac(seconds: int) -> Iterator[bytes]:
    """Silence."""
    for _ in range(seconds):
        yield _AAC_FRAME * _AAC_FRAMES


def flac(seconds: int) -> Iterator[bytes]:
    """Silence: each second is a frame of one constant."""
    sizes = struct.pack(">HH", _FLAC_BLOCK, _FLAC_BLOCK) + bytes(6)  # how large a frame is stays untold
    format_ = _RATE << 44 | 15 << 36 | seconds * _RATE  # one channel, 16 bits a sample, how many samples
    yield b"fLaC" + b"\x80\0\0\x22" + sizes + format_.to_bytes(8, "big") + bytes(16)
    for number in range(seconds):
        # constant block size, which two bytes behind the number tell; 24 kHz, mono, 16 bits
        header = b"\xff\xf8\x77\x08" + chr(number).encode() + struct.pack(">H", _FLAC_BLOCK - 1)
        frame = header + _crc(header, 8, 0x07) + b"\0\0\0"
        yield frame + _crc(frame, 16, 0x8005)


def opus(seconds: int) -> Iterator[bytes]:
    """Silence, in an Ogg stream."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, _OPUS_SKIP, _RATE, 0, 0)
    vendor = b"havuz"
    tags = b"OpusTags" + struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", 0)
    yield _page(0, [head], flags=2) + _page(1, [tags])
    for number in range(1, seconds + 1):
        last = number == seconds
        yield _page(1 + number, [_OPUS_PACKET] * _OPUS_PACKETS, position=number * _OPUS_RATE, flags=4 if last else 0)


FORMATS: dict[str, tuple[str, Callable[[int], Iterator[bytes]]]] = {
    "mp3": ("audio/mpeg", mp3),
    "opus": ("audio/opus", opus),
    "aac": ("audio/aac", aac),
    "flac": ("audio/flac", flac),
    "wav": ("audio/wav", wav),
    "pcm": ("audio/pcm", pcm),
}
"""The content type of each format, and what makes it."""


def _page(number: int, packets: list[bytes], *, position: int = 0, flags: int = 0) -> bytes:
    """A page of Ogg with whole packets below 255 bytes; `flags` are 2 for the first page and 4 for the last."""
    start = b"OggS" + struct.pack("<BBqII", 0, flags, position, _OGG_SERIAL, number)
    end = bytes([len(packets), *map(len, packets)]) + b"".join(packets)
    return start + _crc(start + bytes(4) + end, 32, 0x04C11DB7)[::-1] + end


def _crc(data: bytes, bits: int, polynomial: int) -> bytes:
    """The remainder of `data`, with the highest bit first and nothing before or after it."""
    top, mask, value = 1 << (bits - 1), (1 << bits) - 1, 0
    for byte in data:
        value ^= byte << (bits - 8)
        for _ in range(8):
            value = ((value << 1) ^ polynomial if value & top else value << 1) & mask
    return value.to_bytes(bits // 8, "big")
