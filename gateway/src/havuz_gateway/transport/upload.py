"""A client's form with files, kept for as long as it may have to be sent: the start in memory, the rest on disk."""

import asyncio
import os
import tempfile
import weakref
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from typing import Any

from havuz_gateway.protocols.multipart import FormReader, Part, Span, content_type_of, fields_of, rewritten
from havuz_gateway.transport.base import Payload

MEMORY_BYTES = 1024 * 1024
_CHUNK_BYTES = 256 * 1024


class NoRoom(Exception):
    """What uploads keep on disk together would be more than they may."""


class UploadRoom:
    """The bytes that all uploads of a process may keep on disk together."""

    def __init__(self, size: int) -> None:
        self.left = size

    def take(self, size: int) -> None:
        """Raises `NoRoom`."""
        if size > self.left:
            raise NoRoom
        self.left -= size

    def give(self, size: int) -> None:
        """Give back what was taken."""
        self.left += size


class _Disk:
    """A file without a name, for one upload."""

    def __init__(self, room: UploadRoom) -> None:
        self._room = room
        self._size = 0
        with tempfile.TemporaryFile(buffering=0) as file:
            self._file = os.dup(file.fileno())

    async def append(self, data: bytearray) -> None:
        """Write at the end. Raises `NoRoom` and `OSError`."""
        self._room.take(len(data))
        self._size += len(data)
        await asyncio.to_thread(self._write, data)

    def read(self, count: int, position: int) -> bytes:
        """Bytes from a position on, none behind the end. Raises `OSError`."""
        return os.pread(self._file, count, position)

    def close(self) -> None:
        """Give all of it back."""
        os.close(self._file)
        self._room.give(self._size)

    def _write(self, data: bytearray) -> None:
        left = memoryview(data)
        while left:
            left = left[os.write(self._file, left) :]


class Upload:
    """A form as it arrives by `append`, and then as a whole after `close`. What it keeps on disk has no name there,
    and goes when nobody can ask for it any more.

    `append`, `close` and `fields` raise `FormError`.
    """

    def __init__(self, boundary: bytes, room: UploadRoom) -> None:
        self.content_type = content_type_of(boundary)
        self.size = 0
        self.parts: tuple[Part, ...] = ()
        self._boundary = boundary
        self._reader = FormReader(boundary)
        self._front = bytearray()
        self._waiting = bytearray()  # to be written to the disk
        self._room = room
        self._disk: _Disk | None = None

    async def append(self, piece: bytes) -> None:
        """Take more of the body. Raises also `NoRoom`, and `OSError` where the disk does not take it."""
        self._reader.feed(piece)
        self.size += len(piece)
        room = MEMORY_BYTES - len(self._front)
        if room > 0:
            self._front += piece[:room]
            piece = piece[room:]
        self._waiting += piece
        if len(self._waiting) >= MEMORY_BYTES:
            await self._write()

    async def close(self) -> None:
        """The body has come to its end. Raises what `append` does."""
        if self._waiting:
            await self._write()
        self.parts = self._reader.parts()

    def fields(self) -> dict[str, str | list[str]]:
        """The texts of the form by name."""
        return fields_of(self.parts)

    def files(self) -> dict[str, int]:
        """The number of files by name."""
        names = [part.name for part in self.parts if part.text is None]
        return {name: names.count(name) for name in names}

    def read(self, part: Part, most: int | None = None) -> bytes:
        """The content of a part, or the first `most` bytes of it, at once."""
        end = part.content.end if most is None else min(part.content.end, part.content.start + most)
        return b"".join(self.pieces_of(Span(part.content.start, end)))

    def edited(self, change: Mapping[str, Any], remove: Collection[str] = ()) -> Payload:
        """The form with texts of `change` set (added where absent) and parts in `remove` gone; the rest as it came."""
        texts = {name: _text(value) for name, value in change.items()}
        return _Edited(self, tuple(rewritten(self.parts, self._boundary, texts, remove)))

    def pieces_of(self, span: Span) -> Iterator[bytes]:
        """These bytes of the body, a piece at a time. Raises `OSError`."""
        position = span.start
        while position < span.end:
            count = min(_CHUNK_BYTES, span.end - position)
            if position < len(self._front):
                piece = bytes(self._front[position : min(position + count, len(self._front))])
            else:
                piece = b"" if self._disk is None else self._disk.read(count, position - len(self._front))
                if not piece:
                    raise OSError("a part of the request is not on the disk any more")
            position += len(piece)
            yield piece

    async def _write(self) -> None:
        if self._disk is None:
            self._disk = _Disk(self._room)
            weakref.finalize(self, self._disk.close)
        data, self._waiting = self._waiting, bytearray()
        await self._disk.append(data)


class _Edited:
    """A form to be sent, any number of times."""

    def __init__(self, upload: Upload, pieces: tuple[bytes | Span, ...]) -> None:
        self._upload = upload
        self._pieces = pieces
        self.size = sum(len(one) if isinstance(one, bytes) else one.end - one.start for one in pieces)

    async def chunks(self) -> AsyncIterator[bytes]:
        for one in self._pieces:
            if isinstance(one, bytes):
                yield one
                continue
            pieces = self._upload.pieces_of(one)
            if one.end <= MEMORY_BYTES:
                for piece in pieces:
                    yield piece
                continue
            while piece := await asyncio.to_thread(_next, pieces):
                yield piece


def _next(pieces: Iterator[bytes]) -> bytes:
    return next(pieces, b"")


def _text(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


_: type[Payload] = _Edited
