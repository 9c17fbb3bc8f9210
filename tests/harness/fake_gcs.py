"""Google Cloud Storage as its XML API shows it to a service account: https://cloud.google.com/storage/docs/xml-api/overview.

Here because fake-gcs-server 1.56.1 refuses the client's uploads. Objects are put, read and deleted one by one, lists
come in pages, and each request carries a token that the account signed itself (https://google.aip.dev/auth/4111).
"""

import asyncio
import hashlib
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from aiohttp import web
from aiohttp.typedefs import Handler

from harness.ports import free_port
from harness.service_account import ServiceAccount, Untrusted

BUCKET = "pictures"
_PREFIX = "some/prefix"
_ENTRIES = 1  # of a page; Google sends up to 1000, but this way each list has a next page
_START_SECONDS = 20.0
_LARGEST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as it was put."""

    body: bytes = field(repr=False)
    content_type: str
    at: datetime

    @property
    def etag(self) -> str:
        """In quotes, as it stands in headers and lists."""
        return f'"{hashlib.md5(self.body, usedforsecurity=False).hexdigest()}"'


class FakeGcs:
    """One bucket on a loopback port. `with FakeGcs() as server: open_bucket(server.url)`. `objects` are by name."""

    def __init__(self) -> None:
        self.objects: dict[str, Stored] = {}
        self.port = free_port()
        self._directory = Path(tempfile.mkdtemp(prefix="havuz-gcs-"))
        self._account = ServiceAccount.make("havuz@a-project.iam.gserviceaccount.com")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake-gcs", daemon=True)
        app = web.Application(middlewares=[self._trusted], client_max_size=_LARGEST_BYTES)
        app.router.add_get(f"/{BUCKET}", self._list)
        app.router.add_get(f"/{BUCKET}/{{name:.+}}", self._get)
        app.router.add_put(f"/{BUCKET}/{{name:.+}}", self._put)
        app.router.add_delete(f"/{BUCKET}/{{name:.+}}", self._delete)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)

    @property
    def url(self) -> str:
        """The store's URL, with the account's file."""
        return self._url_of(self._account)

    @property
    def forged_url(self) -> str:
        """The same with a file that names the account, and holds a key that is not the account's."""
        return self._url_of(ServiceAccount.make(self._account.email))

    def __enter__(self) -> "FakeGcs":
        self._thread.start()
        self._wait(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._wait(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        shutil.rmtree(self._directory)

    def _url_of(self, account: ServiceAccount) -> str:
        file = self._directory / f"{account.key_id}.json"
        file.write_text(json.dumps(account.document))
        options = {"service_account": str(file), "base_url": f"http://127.0.0.1:{self.port}"}
        return f"gs://{BUCKET}/{_PREFIX}?{urlencode(options)}"

    def _wait(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_START_SECONDS)

    async def _start(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    @web.middleware
    async def _trusted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer":
            return _refusal(401, "AuthenticationRequired", "Authentication required.")
        try:
            self._account.check(token, now=time.time())
        except Untrusted as error:
            return _refusal(401, "AuthenticationRequired", f"Authentication required: {error}.")
        return await handler(request)

    async def _put(self, request: web.Request) -> web.Response:
        stored = Stored(await request.read(), request.content_type, datetime.now(UTC))
        self.objects[request.match_info["name"]] = stored
        return web.Response(headers={"ETag": stored.etag, "x-goog-generation": "1"})

    async def _get(self, request: web.Request) -> web.Response:
        stored = self.objects.get(request.match_info["name"])
        if stored is None:
            return _missing()
        wanted, size = request.http_range, len(stored.body)
        answer = web.Response(headers={"ETag": stored.etag, "x-goog-generation": "1"}, content_type=stored.content_type)
        answer.last_modified = stored.at
        answer.body = stored.body[wanted]
        if wanted != slice(None, None, 1):
            if not answer.body:
                return _refusal(416, "InvalidRange", "The requested range cannot be satisfied.")
            start, end, _ = wanted.indices(size)
            answer.set_status(206)
            answer.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        return answer

    async def _delete(self, request: web.Request) -> web.Response:
        if self.objects.pop(request.match_info["name"], None) is None:
            return _missing()
        return web.Response(status=204)

    async def _list(self, request: web.Request) -> web.Response:
        """https://cloud.google.com/storage/docs/xml-api/get-bucket-list, version 2."""
        prefix, delimiter = request.query.get("prefix", ""), request.query.get("delimiter", "")
        entries: dict[str, str] = {}
        for name, stored in sorted(self.objects.items()):
            if not name.startswith(prefix):
                continue
            head, found, _ = name.removeprefix(prefix).partition(delimiter) if delimiter else (name, "", "")
            if found:
                folder = prefix + head + delimiter
                entries[folder] = f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes>"
            else:
                entries[name] = _entry(name, stored)
        left = [name for name in sorted(entries) if name > request.query.get("continuation-token", "")]
        page = left[:_ENTRIES]
        more = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if len(left) > len(page) else ""
        listed = "".join(entries[name] for name in page)
        return _xml(
            f"<ListBucketResult xmlns='http://doc.s3.amazonaws.com/2006-03-01'><Name>{BUCKET}</Name>"
            f"<Prefix>{escape(prefix)}</Prefix><IsTruncated>{str(bool(more)).lower()}</IsTruncated>{more}{listed}"
            "</ListBucketResult>"
        )


def _entry(name: str, stored: Stored) -> str:
    return (
        f"<Contents><Key>{escape(name)}</Key><Generation>1</Generation><MetaGeneration>1</MetaGeneration>"
        f"<LastModified>{stored.at:%Y-%m-%dT%H:%M:%S.000Z}</LastModified><ETag>{escape(stored.etag)}</ETag>"
        f"<Size>{len(stored.body)}</Size></Contents>"
    )


def _missing() -> web.Response:
    return _refusal(404, "NoSuchKey", "The specified key does not exist.")


def _refusal(status: int, code: str, message: str) -> web.Response:
    """https://cloud.google.com/storage/docs/xml-api/reference-status"""
    return _xml(f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>", status=status)


def _xml(body: str, *, status: int = 200) -> web.Response:
    return web.Response(
        status=status, text=f"<?xml version='1.0' encoding='UTF-8'?>{body}", content_type="application/xml"
    )
