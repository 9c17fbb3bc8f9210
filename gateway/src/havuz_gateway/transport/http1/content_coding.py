"""Bodies that a provider compressed although it was asked not to: https://www.rfc-editor.org/rfc/rfc9110#section-8.4."""

import zlib
from collections.abc import Iterator

from havuz_gateway.transport.base import TransportFailure

_MOST_AT_ONCE = 256 * 1024  # of what a compressed piece unfolds to
_GZIP = 16 + zlib.MAX_WBITS
_ZLIB_METHOD = 8  # the low half of the first byte of zlib's own header: https://www.rfc-editor.org/rfc/rfc1950


class Unpacker:
    """Unpacks one body. `feed` gives pieces of bounded size, so that a small one that unfolds to gigabytes stays small.

    `feed` and `close` raise `TransportFailure`.
    """

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._codec: zlib._Decompress | None = zlib.decompressobj(_GZIP) if coding != "deflate" else None
        self._fed = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What `data` unfolds to."""
        codec = self._codec
        if codec is None:  # "deflate" is said of zlib's format and, by mistake, of the bare one
            bare = data[0] & 0x0F != _ZLIB_METHOD
            codec = self._codec = zlib.decompressobj(-zlib.MAX_WBITS if bare else zlib.MAX_WBITS)
        self._fed = True
        try:
            while True:
                if codec.eof:  # gzip allows several members behind each other
                    codec = self._codec = zlib.decompressobj(_GZIP)
                plain = codec.decompress(data, _MOST_AT_ONCE)
                if plain:
                    yield plain
                data = codec.unconsumed_tail or codec.unused_data
                if not data and len(plain) < _MOST_AT_ONCE:
                    return
        except zlib.error as error:
            raise self._wrong() from error

    def close(self) -> None:
        """The body has ended."""
        if self._fed and self._codec is not None and not self._codec.eof:
            raise self._wrong()

    def _wrong(self) -> TransportFailure:
        return TransportFailure("broken", f"the provider's answer is not valid {self._coding}, as it says it is")


def unpacker_for(coding: str) -> Unpacker | None:
    """What unpacks a `content-encoding`; None for a plain body. Raises `TransportFailure` of kind `protocol`."""
    match coding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip":
            return Unpacker("gzip")
        case "deflate":
            return Unpacker("deflate")
        case other:
            raise TransportFailure("protocol", f"the provider answers in content-encoding {other[:40]!r}, unasked")
