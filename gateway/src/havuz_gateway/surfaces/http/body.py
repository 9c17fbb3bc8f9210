"""Reading a request's body within bounds, so that no client can fill the memory or hold a connection for ever."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable

from havuz_gateway.errors import InvalidRequest, PayloadTooLarge, ServiceUnavailable
from havuz_gateway.pipeline.exchange import ClientGone
from havuz_gateway.protocols.multipart import FormError, boundary_of
from havuz_gateway.surfaces.http.incoming import BadFraming, Incoming
from havuz_gateway.transport.upload import NoRoom, Upload, UploadRoom

_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
_FREE = 64 * 1024  # bytes that anybody may send


class UnsupportedEncoding(InvalidRequest):
    """The body is compressed in a way that is not taken."""

    status = 415


class BodyTooSlow(InvalidRequest):
    """The body did not arrive in time."""

    status = 408


async def read_body(
    request: Incoming, *, limit: int, idle: float, total: float, check_sender: Callable[[], object]
) -> bytes:
    """The whole body, decompressed. `limit` is bytes; `idle` (between two arrivals) and `total` are seconds.

    `check_sender` is called before more than a little is read or unpacked, and may raise. Otherwise raises
    `PayloadTooLarge`, `UnsupportedEncoding`, `BodyTooSlow`, `InvalidRequest` or `ClientGone`.
    """
    encoding = _encoding(request)
    length = request.length
    if length is not None and length > limit:
        raise _too_large(limit)
    if length is not None and length > _FREE:
        check_sender()
    try:
        body = request.arrived()  # the usual case: a small body came with the headers
        if body is None:
            _continue(request)
            async with asyncio.timeout(total):
                body = b"".join([piece async for piece in _arriving(request, limit, idle, check_sender)])
    except TimeoutError:
        raise _too_slow(total) from None
    except BadFraming:
        raise _badly_framed() from None
    except ConnectionError as error:
        raise ClientGone from error
    if encoding is not None:
        body = await _unpacked(body, encoding, limit, check_sender)
    if len(body) > limit:
        raise _too_large(limit)
    return body


async def read_form(
    request: Incoming,
    *,
    limit: int,
    idle: float,
    total: float,
    check_sender: Callable[[], object],
    room: UploadRoom,
) -> Upload:
    """A form with files, which is not held in memory. Bounds and errors are those of `read_body`; where there is no
    room for it, `ServiceUnavailable`.
    """
    length = request.length
    if _encoding(request) is not None:
        raise UnsupportedEncoding("a form with files is not taken compressed: send it plain")
    if length is not None and length > limit:
        raise _too_large(limit)
    if length is not None and length > _FREE:
        check_sender()
    try:
        upload = Upload(boundary_of(request.headers.get("content-type", "")), room)
        _continue(request)
        async with asyncio.timeout(total):
            async for piece in _arriving(request, limit, idle, check_sender):
                await upload.append(piece)
            await upload.close()
    except FormError as error:
        raise InvalidRequest(error.message, param=error.param) from None
    except TimeoutError:
        raise _too_slow(total) from None
    except BadFraming:
        raise _badly_framed() from None
    except ConnectionError as error:
        raise ClientGone from error
    except (NoRoom, OSError) as error:
        raise ServiceUnavailable("the gateway has no room for this upload now: try again later") from error
    return upload


async def _arriving(
    request: Incoming, limit: int, idle: float, check_sender: Callable[[], object]
) -> AsyncIterator[bytes]:
    """The pieces of a body as they come, within bounds."""
    size = 0
    while True:
        async with asyncio.timeout(idle):
            piece = await request.piece()
        if not piece:
            return
        if size <= _FREE < size + len(piece):
            check_sender()
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        yield piece


def _encoding(request: Incoming) -> str | None:
    """How the body is compressed, None for plain."""
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return None
    if encoding not in _WINDOWS:
        known = " or ".join(_WINDOWS)
        raise UnsupportedEncoding(f"content-encoding {encoding[:40]!r} is not taken: send it plain, or as {known}")
    return encoding


async def _unpacked(body: bytes, encoding: str, limit: int, check_sender: Callable[[], object]) -> bytes:
    """The body, decompressed up to one byte over `limit`: a little at once, the rest beside the event loop."""
    unpacker = zlib.decompressobj(_WINDOWS[encoding])
    try:
        plain = unpacker.decompress(body, min(limit, _FREE) + 1)
        if _FREE < len(plain) <= limit:
            check_sender()
            left = limit + 1 - len(plain)
            plain += await asyncio.to_thread(unpacker.decompress, unpacker.unconsumed_tail, left)
        if len(plain) <= limit and not unpacker.eof:
            raise zlib.error("the end is missing")
    except zlib.error:
        raise InvalidRequest(f"the body is not valid {encoding}, as content-encoding says") from None
    return plain


def _continue(request: Incoming) -> None:
    if request.headers.get("expect", "").lower() == "100-continue":
        request.invite()


def _too_slow(total: float) -> BodyTooSlow:
    return BodyTooSlow(f"the body did not arrive in time: send it within {total:g} seconds, without pauses")


def _badly_framed() -> InvalidRequest:
    return InvalidRequest("the body is not framed as its headers say: check transfer and content encoding")


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"the body is larger than {limit} bytes: send less in one request")
