"""A bounded local journal of settles that Redis has not taken: written while it is away, replayed when it is back.

A line is in the operating system's hands before the settle returns (it survives `kill -9`), and on the disk at most a
second later (a power cut loses no more than that). Without a folder the journal is kept in memory. Lines that the disk
does not take wait in memory until it does, and while any wait, nothing is begun that would need more of them.
"""

import asyncio
import contextlib
import fcntl
import io
import logging
import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

_log = logging.getLogger(__name__)
_SYNC_SECONDS = 1.0
_SUFFIX = ".settles"
_MOST_IN_MEMORY = 16 * 1024 * 1024


class Spool:
    """The journal of one gateway. Lines are read from the front; when all were taken, the file is emptied."""

    def __init__(self, folder: Path | None, *, owner: str, max_bytes: int) -> None:
        """Raises `OSError` when the folder can't be written."""
        self._folder = folder
        self._max_bytes = max_bytes
        self._file: BinaryIO
        if folder is None:
            self._file = io.BytesIO()
        else:
            folder.mkdir(parents=True, exist_ok=True)
            # never the name of an earlier process: what that left behind is replayed as an orphan's
            self._file = (folder / f"{owner}-{secrets.token_hex(4)}{_SUFFIX}").open("x+b", buffering=0)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._size = 0
        self._tail = bytearray()  # what follows in the journal, and is not in the file yet
        self._read_at = 0
        self._sent_to = 0
        self._unsynced = False
        self._refused = False
        self.lost = 0  # settles that found the journal full

    @property
    def full(self) -> bool:
        """Whether no more should be begun that may need a line here."""
        return bool(self._tail) or self._size >= self._max_bytes

    @property
    def waiting(self) -> bool:
        """Whether there are lines to be taken."""
        return self._read_at < self._size + len(self._tail)

    @property
    def backlog(self) -> int:
        """Bytes of lines to be taken, those that the disk has refused so far included."""
        return self._size + len(self._tail) - self._read_at

    def append(self, lines: list[bytes]) -> None:
        """Write lines at the end. Those that fit neither on the disk nor in memory are counted in `lost`."""
        data = b"".join(lines)
        if self._size + len(self._tail) + len(data) > self._max_bytes * 2:  # what was begun before it was full fits
            self._lose(lines, "it is full")
            return
        self._tail += data
        problem = self._write_tail()
        if problem is not None and len(self._tail) > _MOST_IN_MEMORY:
            del self._tail[-len(data) :]
            self._lose(lines, str(problem))

    def peek(self, most: int) -> tuple[list[tuple[bytes, bool]], int]:
        """Up to `most` lines from the front, each with whether it was sent from here before; and where they end."""
        found: list[tuple[bytes, bool]] = []
        position = self._read_at
        for reader, end in self._parts():
            while len(found) < most and position < end:
                line = reader.readline()
                if not line:
                    break
                found.append((line, position < self._sent_to))
                position += len(line)
        return found, position

    def sent(self, position: int) -> None:
        """Lines up to `position` were sent: whatever becomes of them, Redis may have them."""
        self._sent_to = max(self._sent_to, position)

    def taken(self, position: int) -> None:
        """Lines up to `position` are settled. With the last one the journal is empty again."""
        self._read_at = position
        if not self.waiting:
            self._tail.clear()
            self._file.truncate(0)
            self._size = self._read_at = self._sent_to = 0

    async def run(self) -> None:
        """Bring what was written to the disk, once a second, until cancelled."""
        while True:
            await asyncio.sleep(_SYNC_SECONDS)
            self._write_tail()
            if self._unsynced and self._folder is not None:
                self._unsynced = False
                try:
                    await asyncio.to_thread(os.fdatasync, self._file.fileno())
                except OSError as error:
                    self._unsynced = True
                    _log.error("the journal could not be brought to the disk", extra={"reason": str(error)})

    def close(self) -> None:
        """Leave the file for the next process where lines are left, else remove it."""
        problem = self._write_tail()
        if problem is not None:
            self._lose(bytes(self._tail).splitlines(), str(problem))
        name = getattr(self._file, "name", None)
        if isinstance(name, str | Path) and not self.waiting:
            Path(name).unlink(missing_ok=True)
        self._file.close()

    def orphans(self) -> Iterator[tuple[Path, list[bytes]]]:
        """Journals of processes that are gone, with their lines. Remove each once its lines are settled."""
        if self._folder is None:
            return
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            try:
                with path.open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    yield path, file.readlines()
            except OSError:
                continue  # its process lives, or it was removed by whoever settled it

    def _parts(self) -> Iterator[tuple[BinaryIO, int]]:
        """What is to be read, as files at the place to read on, each with the position that it ends at."""
        if self._read_at < self._size:
            self._file.seek(self._read_at)
            if isinstance(self._file, io.RawIOBase):
                reader = io.BufferedReader(self._file)
                yield reader, self._size
                reader.detach()
            else:
                yield self._file, self._size
        tail = io.BytesIO(self._tail)
        tail.seek(max(0, self._read_at - self._size))
        yield tail, self._size + len(self._tail)

    def _write_tail(self) -> OSError | None:
        """Move what waits in memory to the end of the file; the error if that did not go."""
        if not self._tail:
            return None
        try:
            self._file.seek(self._size)
            if self._file.write(self._tail) != len(self._tail):
                raise OSError("the disk took only a part")
        except OSError as error:
            with contextlib.suppress(OSError):
                self._file.truncate(self._size)
            if not self._refused:
                self._refused = True
                _log.error("the journal can't be written; its lines wait in memory", extra={"reason": str(error)})
            return error
        self._refused = False
        self._size += len(self._tail)
        self._tail.clear()
        self._unsynced = True
        return None

    def _lose(self, lines: Sequence[bytes], why: str) -> None:
        self.lost += len(lines)
        _log.error("settles could not be kept for later; what was reserved for them is swept", extra={
            "count": len(lines), "reason": why, "lost": self.lost})  # fmt: skip
