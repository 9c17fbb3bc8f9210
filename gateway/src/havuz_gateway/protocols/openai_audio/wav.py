"""How long a WAV file says that it is: http://soundfile.sapp.org/doc/WaveFormat/."""

import struct

HEADER_BYTES = 44


def seconds_of(header: bytes, size: int) -> float | None:
    """The length of a file of `size` bytes that begins with `header`, None for one that is no WAV."""
    if len(header) < HEADER_BYTES or header[:4] != b"RIFF" or header[8:16] != b"WAVEfmt ":
        return None
    (bytes_per_second,) = struct.unpack("<I", header[28:32])
    return (size - HEADER_BYTES) / bytes_per_second if bytes_per_second else None
