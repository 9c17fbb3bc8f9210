"""Calls to URLs that a client supplied: pictures to fetch, callbacks to post. Nothing inside may be reached by them.

- http and https on ports 80, 443 and from 1024 on; no user or password in the URL.
- A name is resolved once. Where one of its addresses is not public, nothing is called at all; the connection goes to
  the very addresses that were checked, with the name for TLS and `Host`. Numbers in any form resolve to what they are.
- A fetch follows three redirects, each of them checked like the first URL; a post follows none.
- Bytes, seconds, headers and types are bounded. A compressed answer is refused: nobody knows how large it becomes.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from yarl import URL

from havuz_gateway.transport.addresses import Network, may_be_called
from havuz_gateway.transport.base import CONNECT_TIMEOUT_SECONDS, TransportFailure
from havuz_gateway.transport.failures import FOREIGN, translate
from havuz_gateway.transport.host_lookup import Pinned, Resolve, SystemResolver, number_of
from havuz_gateway.transport.media_types import IMAGES, LOOK_BYTES, sniff

_SCHEMES = {"http": 80, "https": 443}
_FIRST_FREE_PORT = 1024  # below it live mail servers and the like, which can be made to understand HTTP
_LONGEST_URL = 8192
_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 3
_MAX_HEADER_BYTES = 16 * 1024
_ANSWER_BYTES = 64 * 1024  # of the answer to a post that are read, so that the other side has its say
_UNTOLD = ("", "application/octet-stream", "binary/octet-stream")  # what stores say that do not know
_AGENT = "havuz"


class FetchRefused(Exception):
    """The URL, or what is behind it, is not taken, and trying again changes nothing. The message is for the client."""


class FetchFailed(Exception):
    """The call did not succeed this time. `status` is set where there was an answer. The message is for the client."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What is taken. `max_bytes` of the body; `seconds` for all of it, redirects included; `content_types` the body's
    own bytes must be of.
    """

    max_bytes: int = 20 * 1024 * 1024
    seconds: float = 30.0
    content_types: Collection[str] = IMAGES


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole body. `content_type` is what its bytes are, whatever its server said."""

    body: bytes = field(repr=False)
    content_type: str


@dataclass(frozen=True, slots=True)
class Posted:
    """The status that answered a post, and its `retry-after` header (lower case; seconds or a date, not parsed)."""

    status: int
    retry_after: str | None = None


def check_url(text: str) -> URL:
    """A client's URL as it may be called, as far as can be told without resolving it. Raises `FetchRefused`."""
    if len(text) > _LONGEST_URL:
        raise FetchRefused(f"the URL has {len(text)} characters: {_LONGEST_URL} at most are taken")
    try:
        url = URL(text)
        port, host = url.port, url.raw_host
    except ValueError:
        raise FetchRefused("the URL can't be read: write it as https://host/path") from None
    if url.scheme not in _SCHEMES or not host:
        raise FetchRefused("the URL is not absolute http or https: write it as https://host/path")
    if url.raw_user is not None or url.raw_password is not None:
        raise FetchRefused("the URL holds a user or a password: leave them out")
    if port is None or (port < _FIRST_FREE_PORT and port not in _SCHEMES.values()):
        raise FetchRefused(f"port {port} of the URL is not called: use 80, 443, or one from {_FIRST_FREE_PORT} on")
    return url


class GuardedFetcher:
    """Calls clients' URLs. `allow` are networks beside the public ones; `tls` is how certificates are checked.

    At most `at_once` fetches are held in memory at a time; others wait, which counts as their time.
    """

    def __init__(
        self,
        *,
        allow: Sequence[Network] = (),
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
        at_once: int = 16,
    ) -> None:
        self._allow = tuple(allow)
        self._resolve = resolve or SystemResolver()
        self._tls = tls or ssl.create_default_context()
        self._room = asyncio.Semaphore(at_once)

    def check(self, url: str) -> None:
        """Tell at once of a URL that can't be called, as far as that is seen without a look-up. Raises `FetchRefused`.

        A name passes here; where it leads is checked when it is called.
        """
        host = check_url(url).raw_host or ""
        number = number_of(host)
        if number is not None and not may_be_called(number, self._allow):
            raise _not_public(host)

    async def fetch(self, url: str, *, limits: FetchLimits) -> Fetched:
        """The picture or sound behind a URL. Raises `FetchRefused` and `FetchFailed`."""
        target = check_url(url)
        try:
            async with asyncio.timeout(limits.seconds), self._room:
                for _ in range(_MOST_REDIRECTS + 1):
                    async with self._sent("GET", target, headers={}, body=None) as response:
                        if response.status not in _REDIRECTS:
                            return await _taken(response, limits)
                        target = _next(target, response.headers.get("location"))
        except TimeoutError:
            raise FetchFailed(f"the URL was not read to its end within {limits.seconds:g} seconds") from None
        raise FetchRefused(f"the URL redirects more than {_MOST_REDIRECTS} times: give the last one")

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], *, seconds: float = 20.0) -> Posted:
        """Post once, and say what answered: any status, also a redirect, is one. Raises as `fetch` does."""
        try:
            async with (
                asyncio.timeout(seconds),
                self._sent("POST", check_url(url), headers=headers, body=body) as response,
            ):
                posted = Posted(response.status, response.headers.get("retry-after"))
                await _heard_out(response)
                return posted
        except TimeoutError:
            raise FetchFailed(f"the URL did not answer within {seconds:g} seconds") from None

    @asynccontextmanager
    async def _sent(
        self, method: str, url: URL, *, headers: Mapping[str, str], body: bytes | None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer, over a connection of its own that ends with it."""
        pinned = Pinned(await self._checked(url))
        sent = {"accept-encoding": "identity", "user-agent": _AGENT, **headers}
        try:
            async with (
                self._session(pinned) as session,
                session.request(method, url, data=body, headers=sent, allow_redirects=False) as response,
            ):
                yield response
        except FOREIGN as error:
            raise _failed(translate(error)) from None

    def _session(self, pinned: Pinned) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._tls, resolver=pinned, use_dns_cache=False, force_close=True),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            max_line_size=_MAX_HEADER_BYTES,
            max_field_size=_MAX_HEADER_BYTES,
        )

    async def _checked(self, url: URL) -> Sequence[str]:
        """Every address of the URL's host. Raises `FetchRefused` where one of them may not be called."""
        host, port = url.raw_host or "", url.port or 0
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError):
            raise FetchFailed(f"the host {host[:100]!r} of the URL was not found") from None
        # which address it is stays untold: that a name has one inside is nothing that a client should learn
        if not addresses or not all(may_be_called(address, self._allow) for address in addresses):
            raise _not_public(host)
        return addresses


def _not_public(host: str) -> FetchRefused:
    return FetchRefused(f"the host {host[:100]!r} of the URL is not at a public address: use one that is")


def _next(url: URL, location: str | None) -> URL:
    if location is None:
        raise FetchFailed("the URL answers with a redirect that leads nowhere")
    try:
        return check_url(str(url.join(URL(location))))
    except ValueError:
        raise FetchRefused("the URL redirects to what is no URL") from None


async def _taken(response: aiohttp.ClientResponse, limits: FetchLimits) -> Fetched:
    """The body, once everything about it is as it should be."""
    if response.status != 200:
        raise FetchFailed(f"the URL answers with status {response.status}", status=response.status)
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise FetchRefused("the URL answers with a compressed body: serve the file as it is")
    said = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if said not in _UNTOLD and said.partition("/")[0] not in {kind.partition("/")[0] for kind in limits.content_types}:
        raise FetchRefused(f"the URL answers with the type {said[:60]!r}: {_wanted(limits)} is taken")
    if (response.content_length or 0) > limits.max_bytes:
        raise _too_large(limits)
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limits.max_bytes:
            raise _too_large(limits)
        if len(body) >= LOOK_BYTES:
            _looked_at(body, limits)
    return Fetched(bytes(body), _looked_at(body, limits))


def _looked_at(body: bytes | bytearray, limits: FetchLimits) -> str:
    kind = sniff(bytes(body[:LOOK_BYTES]))
    if kind is None or kind not in limits.content_types:
        raise FetchRefused(f"what the URL leads to is not {_wanted(limits)}")
    return kind


async def _heard_out(response: aiohttp.ClientResponse) -> None:
    """Read what little a receiver says, so that its server does not take the hang-up for a failure."""
    size = 0
    try:
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > _ANSWER_BYTES:
                return
    except FOREIGN:
        return  # it has answered, which is what counts


def _too_large(limits: FetchLimits) -> FetchRefused:
    return FetchRefused(f"what the URL leads to is larger than {limits.max_bytes} bytes: make it smaller")


def _wanted(limits: FetchLimits) -> str:
    return "one of " + ", ".join(sorted(limits.content_types))


def _failed(failure: TransportFailure) -> FetchFailed:
    match failure.kind:
        case "tls":
            return FetchFailed("the URL's certificate or TLS is not accepted")
        case "connect" | "timeout":
            return FetchFailed("the URL's server can't be reached")
        case _:
            return FetchFailed("the URL's server does not answer in valid HTTP, or hangs up")
