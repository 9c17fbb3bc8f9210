"""Where files are kept: an S3-compatible store, Google Cloud Storage, Azure Blob Storage, or a folder.

`s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix` or `file:///folder`. A query holds the store's own
settings (`?endpoint=https://minio:9000&region=eu-1`, all names: https://developmentseed.org/obstore/latest/api/store/);
credentials come from the usual variables (`AWS_…`, `GOOGLE_…`, `AZURE_…`) or from the machine's own identity.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url

from havuz_gateway.errors import GatewayError, NotFound, ServiceUnavailable
from havuz_gateway.files.names import RANDOM_BYTES, FileName, day_of
from havuz_gateway.transport.media_types import LOOK_BYTES, sniff

if TYPE_CHECKING:
    from obstore import GetResult

_log = logging.getLogger(__name__)
_SCHEMES = ("s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "file")
_ADDRESSES = ("endpoint", "base_url")  # in the names of options that lead elsewhere; the latter is Google's
_FAULTS = (BaseError, OSError, ValueError, NotImplementedError, TimeoutError)
_CALL_SECONDS = 30.0
_RETRY_SECONDS = 5.0
_CHUNK_BYTES = 256 * 1024
_SWEEP_SECONDS = 3600.0
_DELETED_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Range:
    """Bytes that are asked for: `end` is exclusive; a negative `start` counts from the end of the file."""

    start: int
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """A file, or the part of it from `start` to `end` (exclusive). `size` is that of the whole.

    Reading `chunks` raises `ServiceUnavailable` where the store breaks off.
    """

    size: int
    start: int
    end: int
    chunks: AsyncIterator[bytes]


class RangeOutside(Exception):
    """Nothing of the file is in the range that was asked for. `size` is the file's."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the file has {size} bytes")
        self.size = size


def open_store(url: str) -> obstore.store.ObjectStore:
    """The store of a URL. Raises `ValueError` with a sentence that does not repeat the URL, which may hold secrets."""
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES:
        raise ValueError("is no s3://, gs://, az:// or file:// URL")
    bare, options = urlunsplit(parts._replace(query="", fragment="")), dict(parse_qsl(parts.query))
    try:
        if parts.scheme == "file":
            return LocalStore.from_url(bare, mkdir=True, automatic_cleanup=True)
        untyped: Any = from_url  # which names a kind of store takes is checked by it
        found: obstore.store.ObjectStore = untyped(
            bare,
            config=options,
            client_options={"timeout": timedelta(seconds=_CALL_SECONDS), "allow_http": _is_plain(options)},
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=_CALL_SECONDS / 2)},
        )
    except (*_FAULTS, TypeError) as error:
        raise ValueError(f"can't be used: {_first_line(error)}") from None
    return found


class ObjectStore:
    """Keeps files for `days` and at most a day longer. `store` None: none is set, and nothing can be kept.

    `run` deletes what has expired, until cancelled; several processes may do so at a time.
    """

    def __init__(
        self,
        store: obstore.store.ObjectStore | None,
        *,
        days: int,
        max_bytes: int,
        wall: Callable[[], float],
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._store = store
        self._days = days
        self._max_bytes = max_bytes
        self._wall = wall
        self._random = random

    @property
    def is_set(self) -> bool:
        """Whether anything can be kept."""
        return self._store is not None

    async def put(self, body: bytes) -> FileName:
        """Keep a picture or sound, of the type that its bytes say. Raises `ServiceUnavailable` and `GatewayError`."""
        kind = sniff(body[:LOOK_BYTES])
        if kind is None:
            raise GatewayError("what the model made is neither a picture nor a sound that is known, and can't be kept")
        if len(body) > self._max_bytes:
            raise GatewayError(f"what the model made has {len(body)} bytes: {self._max_bytes} at most are kept")
        store = self._opened()
        name = FileName.make(kind, now=self._wall(), days=self._days, random=self._random(RANDOM_BYTES))
        attributes = None if isinstance(store, LocalStore) else {"Content-Type": kind}  # folders know no attributes
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                await obstore.put_async(store, name.path, body, attributes=attributes, use_multipart=False)
        except _FAULTS as error:
            raise _unavailable("written to", error) from None
        return name

    async def open(self, name: FileName, wanted: Range | None = None) -> Content:
        """A file, or a part of it. Raises `NotFound`, `ServiceUnavailable` and `RangeOutside`."""
        store = self._opened()
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                if wanted is None:
                    found = await obstore.get_async(store, name.path)
                else:
                    size = (await obstore.head_async(store, name.path))["size"]
                    found = await obstore.get_async(store, name.path, options={"range": _within(wanted, size)})
        except FileNotFoundError:
            raise NotFound("the file is not kept any more") from None
        except _FAULTS as error:
            raise _unavailable("read", error) from None
        start, end = found.range
        return Content(found.meta["size"], start, end, _chunks(found))

    async def sweep(self) -> int:
        """Delete what has expired; returns how many files that were."""
        store = self._opened()
        today = day_of(datetime.fromtimestamp(self._wall(), UTC))
        deleted = 0
        listed = await obstore.list_with_delimiter_async(store)
        for day in sorted(prefix.strip("/") for prefix in listed["common_prefixes"]):
            if len(day) != len(today) or not day.isdigit() or day >= today:
                continue  # not yet, or nothing of ours
            async for page in obstore.list(store, prefix=day, chunk_size=_DELETED_AT_ONCE):
                for one in page:
                    await _delete(store, one["path"])
                    deleted += 1
        return deleted

    async def run(self) -> None:
        """Sweep every hour. A store that can't be reached is asked again in an hour."""
        while self._store is not None:
            try:
                deleted = await self.sweep()
            except _FAULTS as error:
                _log.warning("expired files can't be deleted", extra={"error": _first_line(error)})
            else:
                if deleted:
                    _log.info("expired files were deleted", extra={"files": deleted})
            await asyncio.sleep(_SWEEP_SECONDS)

    def _opened(self) -> obstore.store.ObjectStore:
        if self._store is None:
            raise ServiceUnavailable("no object store is set, so that no file can be kept: set HAVUZ_OBJECT_STORE")
        return self._store


def _is_plain(options: Mapping[str, str]) -> bool:
    """Whether whoever runs havuz asks for an endpoint without TLS."""
    plain = [name for name, value in options.items() if value.startswith("http://")]
    return any(part in name for name in plain for part in _ADDRESSES)


async def _delete(store: obstore.store.ObjectStore, path: str) -> None:
    try:
        await obstore.delete_async(store, path)
    except FileNotFoundError:
        return  # another process was faster


async def _chunks(found: "GetResult") -> AsyncIterator[bytes]:
    try:
        async for chunk in found.stream(min_chunk_size=_CHUNK_BYTES):
            yield bytes(chunk)
    except _FAULTS as error:
        raise _unavailable("read", error) from None


def _within(wanted: Range, size: int) -> tuple[int, int]:
    """The range in a file of that size. Raises `RangeOutside`."""
    start = max(size + wanted.start, 0) if wanted.start < 0 else wanted.start
    end = size if wanted.end is None else min(wanted.end, size)
    if start >= end:
        raise RangeOutside(size)
    return start, end


def _unavailable(verb: str, error: BaseException) -> ServiceUnavailable:
    _log.error(f"the object store can't be {verb}", extra={"error": _first_line(error)})
    return ServiceUnavailable(f"files can't be {verb} at the moment: try again later", retry_after=_RETRY_SECONDS)


def _first_line(error: BaseException) -> str:
    """What a store says, without the innards that it adds on further lines."""
    return str(error).partition("\n")[0] or type(error).__name__
