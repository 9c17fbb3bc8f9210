"""Object stores by URL: S3-compatible ones, Google Cloud Storage, Azure Blob Storage, or a folder.

`s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix` or `file:///folder`. A query holds the store's own
settings (`?endpoint=https://minio:9000&region=eu-1`, all names: https://developmentseed.org/obstore/latest/api/store/);
credentials come from the usual variables (`AWS_…`, `GOOGLE_…`, `AZURE_…`) or from the machine's own identity.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url

from havuz_gateway.errors import NotFound, ServiceUnavailable
from havuz_gateway.files.contents import Content, Range, RangeOutside

if TYPE_CHECKING:
    from obstore import GetResult

_log = logging.getLogger(__name__)
_SCHEMES = ("s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "file")
_ADDRESSES = ("endpoint", "base_url")  # in the names of options that lead elsewhere; the latter is Google's
_FAULTS = (BaseError, OSError, ValueError, NotImplementedError, TimeoutError)
_CALL_SECONDS = 30.0
_RETRY_SECONDS = 5.0
_CHUNK_BYTES = 256 * 1024
_DELETED_AT_ONCE = 100


class Bucket:
    """One store. Every call raises `ServiceUnavailable` where the store can't be reached, or does not do as asked."""

    def __init__(self, store: obstore.store.ObjectStore) -> None:
        self._store = store

    async def put(self, path: str, body: bytes, content_type: str) -> None:
        """Write a whole file."""
        # folders know no attributes
        attributes = None if isinstance(self._store, LocalStore) else {"Content-Type": content_type}
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                await obstore.put_async(self._store, path, body, attributes=attributes, use_multipart=False)
        except _FAULTS as error:
            raise _unavailable("written to", error) from None

    async def open(self, path: str, wanted: Range | None) -> Content:
        """A file, or a part of it. Raises `NotFound` and `RangeOutside`, too."""
        store = self._store
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                if wanted is None:
                    found = await obstore.get_async(store, path)
                else:
                    size = (await obstore.head_async(store, path))["size"]
                    found = await obstore.get_async(store, path, options={"range": _within(wanted, size)})
        except FileNotFoundError:
            raise NotFound("the file is not kept any more") from None
        except _FAULTS as error:
            raise _unavailable("read", error) from None
        start, end = found.range
        return Content(found.meta["size"], start, end, _chunks(found))

    async def folders(self) -> list[str]:
        """The names of the folders at the top."""
        try:
            listed = await obstore.list_with_delimiter_async(self._store)
        except _FAULTS as error:
            raise _unavailable("listed", error) from None
        return sorted(prefix.strip("/") for prefix in listed["common_prefixes"])

    async def delete_all(self, folder: str) -> int:
        """Delete the files of a folder; returns how many."""
        deleted = 0
        try:
            async for page in obstore.list(self._store, prefix=folder, chunk_size=_DELETED_AT_ONCE):
                for one in page:
                    await _delete(self._store, one["path"])
                    deleted += 1
        except _FAULTS as error:
            raise _unavailable("cleared", error) from None
        return deleted


def open_bucket(url: str) -> Bucket:
    """The store of a URL. Raises `ValueError` with a sentence that does not repeat the URL, which may hold secrets."""
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES:
        raise ValueError("is no s3://, gs://, az:// or file:// URL")
    bare, options = urlunsplit(parts._replace(query="", fragment="")), dict(parse_qsl(parts.query))
    try:
        if parts.scheme == "file":
            return Bucket(LocalStore.from_url(bare, mkdir=True, automatic_cleanup=True))
        untyped: Any = from_url  # which names a kind of store takes is checked by it
        found: obstore.store.ObjectStore = untyped(
            bare,
            config=options,
            client_options={"timeout": timedelta(seconds=_CALL_SECONDS), "allow_http": _is_plain(options)},
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=_CALL_SECONDS / 2)},
        )
    except (*_FAULTS, TypeError) as error:
        raise ValueError(f"can't be used: {_first_line(error)}") from None
    return Bucket(found)


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
