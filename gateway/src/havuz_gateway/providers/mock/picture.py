"""A small real PNG of any size, drawn from a digest: https://www.w3.org/TR/png-3/."""

import struct
import zlib

_COLOURS = 16
_BANDS = 8


def draw(width: int, height: int, digest: str) -> bytes:
    """A picture of bands in colours that depend on `digest` (hex) alone."""
    seed = bytes.fromhex(digest)
    palette = b"".join(seed[index : index + 3] for index in range(_COLOURS))
    rows = [_row(width, band, seed[band]) for band in range(_BANDS)]
    packer = zlib.compressobj(1)
    pixels = b"".join(packer.compress(rows[y * _BANDS // height]) for y in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, data) for kind, data in ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", pixels), (b"IEND", b""))
    )


def _row(width: int, band: int, shift: int) -> bytes:
    """One line of pixels, after the byte that names its filter."""
    return b"\0" + bytes((x * _BANDS // width + band + shift) % _COLOURS for x in range(width))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
