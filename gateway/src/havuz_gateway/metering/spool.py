"""A bounded local journal of settles that Redis has not taken: written while it is away, replayed when it is back.

A line is in the operating system's hands before the settle returns (it survives `kill -9`), and on the disk at most a
second later (a power cut loses no more than that). Without a folder the journal is kept in memory.
"""

import asyncio
import fcntl
import io
import logging
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_log = logging.getLogger(__name__)
_SYNC_SECONDS = 1.0
_SUFFIX = ".settles"


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
        self._read_at = 0
        self._sent_to = 0
        self._unsynced = False
        self.lost = 0  # settles that found the journal full

    @property
    def full(self) -> bool:
        """Whether no more should be begun that may need a line here."""
        return self._size >= self._max_bytes

    @property
    def waiting(self) -> bool:
        """Whether there are lines to be taken."""
        return self._read_at < self._size

    @property
    def backlog(self) -> int:
        """Bytes of lines to be taken."""
        return self._size - self._read_at

    def append(self, lines: list[bytes]) -> None:
        """Write lines at the end. Those that do not fit, or can't be written, are counted in `lost`."""
        data = b"".join(lines)
        if self._size + len(data) > self._max_bytes * 2:  # what was begun before it was full still fits
            self._lose(len(lines), "it is full")
            return
        try:
            self._file.seek(self._size)
            written = self._file.write(data)
            if written != len(data):
                raise OSError("the disk took only a part")
        except OSError as error:
            self._lose(len(lines), str(error))
            return
        self._size += len(data)
        self._unsynced = True

    def peek(self, most: int) -> tuple[list[tuple[bytes, bool]], int]:
        """Up to `most` lines from the front, each with whether it was sent from here before; and where they end."""
        self._file.seek(self._read_at)
        found: list[tuple[bytes, bool]] = []
        position = self._read_at
        reader = io.BufferedReader(self._file) if isinstance(self._file, io.RawIOBase) else self._file
        while len(found) < most and position < self._size:
            line = reader.readline()
            if not line:
                break
            found.append((line, position < self._sent_to))
            position += len(line)
        if isinstance(reader, io.BufferedReader):
            reader.detach()
        return found, position

    def sent(self, position: int) -> None:
        """Lines up to `position` were sent: whatever becomes of them, Redis may have them."""
        self._sent_to = max(self._sent_to, position)

    def taken(self, position: int) -> None:
        """Lines up to `position` are settled. With the last one the journal is empty again."""
        self._read_at = position
        if self._read_at >= self._size:
            self._file.truncate(0)
            self._size = self._read_at = self._sent_to = 0

    async def run(self) -> None:
        """Bring what was written to the disk, once a second, until cancelled."""
        while True:
            await asyncio.sleep(_SYNC_SECONDS)
            if self._unsynced and self._folder is not None:
                self._unsynced = False
                await asyncio.to_thread(os.fdatasync, self._file.fileno())

    def close(self) -> None:
        """Leave the file for the next process where lines are left, else remove it."""
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

    def _lose(self, count: int, why: str) -> None:
        self.lost += count
        _log.error("settles could not be kept for later; what was reserved for them is swept", extra={
            "count": count, "reason": why, "lost": self.lost})  # fmt: skip
