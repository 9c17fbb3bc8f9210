"""The last configuration that was good, encrypted on local disk: with it a gateway starts while Redis is away.

Written after changes, debounced and off the event loop, by a rename that leaves either the old file or the new one.
The first line says of which revision the others are and how many; each holds some fields in an envelope of its own, so
that sealing never takes long at a time: the thread that writes shares the interpreter with the event loop.
"""

import asyncio
import json
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from havuz_contract.snapshot.envelope import EnvelopeError, Keyring
from havuz_contract.snapshot.models import SCHEMA_VERSION
from havuz_gateway.config.state import ConfigUnusableError, Decoder, State

_log = logging.getLogger(__name__)

_NAME = "configuration.sealed"
_OWNER = "havuz-disk-copy"  # the associated data: no other envelope opens as a disk copy
_LINE_FIELDS = 100
_DEBOUNCE_SECONDS = 0.5
_RESTS = (
    20  # times as long as it wrote: a large configuration that changes all the time must not be written all the time
)


class DiskCopy:
    """One file in `directory`, which is made when it does not exist."""

    def __init__(self, directory: Path, keyring: Keyring) -> None:
        self._path = directory / _NAME
        self._keyring = keyring
        self._newest: State | None = None
        self._changed = asyncio.Event()

    def keep(self, state: State) -> None:
        """Have `state` written soon. Returns at once."""
        self._newest = replace(state, parts={})  # texts are what is written; parts would live on with them
        self._changed.set()

    async def run(self) -> None:
        """Write what `keep` was given until cancelled. A disk that fails is told to the log, and costs nothing else."""
        pause = _DEBOUNCE_SECONDS
        while True:
            await self._changed.wait()
            await asyncio.sleep(pause)
            began = time.monotonic()
            await self.flush()
            pause = max(_DEBOUNCE_SECONDS, _RESTS * (time.monotonic() - began))

    async def flush(self) -> None:
        """Write the newest state now, if it is not written yet."""
        self._changed.clear()
        state, self._newest = self._newest, None
        if state is None:
            return
        try:
            await asyncio.to_thread(self._write, state)
        except OSError as error:
            _log.warning(
                "the copy of the configuration could not be written: without Redis this gateway could not start again",
                extra={"path": str(self._path), "error": str(error)},
            )

    async def load(self, decoder: Decoder) -> State | None:
        """What was kept, or None when there is nothing usable (told to the log where that is unexpected)."""
        try:
            kept = await asyncio.to_thread(self._read)
            if kept is None:
                return None
            return await decoder.whole(kept["texts"], State(), revision=kept["revision"], position=kept["position"])
        except (OSError, EnvelopeError, ConfigUnusableError, ValueError, KeyError, TypeError) as error:
            _log.warning(
                "the copy of the configuration on disk is not usable; waiting for Redis",
                extra={"path": str(self._path), "error": str(error)},
            )
            return None

    def _write(self, state: State) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.writelines(self._lines(state))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)

    def _lines(self, state: State) -> Iterator[str]:
        pieces = [piece for name, fields in state.texts.items() for piece in _pieces(name, dict(fields))]
        head = {"schema_version": SCHEMA_VERSION, "revision": state.revision, "position": state.position}
        yield self._sealed({**head, "lines": len(pieces)}, _OWNER)
        for number, piece in enumerate(pieces):
            yield self._sealed(piece, _owner_of(state.revision, number))

    def _sealed(self, value: Any, owner: str) -> str:
        return self._keyring.seal(json.dumps(value).encode(), owner=owner) + "\n"

    def _read(self) -> dict[str, Any] | None:
        try:
            head, *lines = self._path.read_text().splitlines() or [""]
        except FileNotFoundError:
            return None
        document = json.loads(self._keyring.open(head, owner=_OWNER))
        if document["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"schema version {document['schema_version']!r} is not {SCHEMA_VERSION}")
        if document["lines"] != len(lines):
            raise ValueError(f"{len(lines)} lines are there of {document['lines']}")
        texts: dict[str, dict[str, str]] = {}
        for number, line in enumerate(lines):
            name, fields = json.loads(self._keyring.open(line, owner=_owner_of(document["revision"], number)))
            texts.setdefault(name, {}).update(fields)
        return {**document, "texts": texts}


def _owner_of(revision: int, number: int) -> str:
    """What binds a line to its place in its file."""
    return f"{_OWNER}.{revision}.{number}"


def _pieces(name: str, fields: dict[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    """The fields of a hash, some at a time."""
    uids = list(fields)
    for begin in range(0, len(uids), _LINE_FIELDS):
        yield name, {uid: fields[uid] for uid in uids[begin : begin + _LINE_FIELDS]}
