"""Foreign exceptions mapped to `TransportFailure`, here and nowhere else."""

import asyncio
import ssl

import aiohttp

from havuz_gateway.transport.base import FailureKind, TransportFailure

_MESSAGE_LIMIT = 200

# The first class that matches decides, so the narrow ones stand first.
_KINDS: tuple[tuple[type[BaseException], FailureKind], ...] = (
    (aiohttp.ClientConnectorCertificateError, "tls"),
    (aiohttp.ClientSSLError, "tls"),
    (ssl.SSLError, "tls"),
    (aiohttp.ConnectionTimeoutError, "connect"),
    (aiohttp.ClientConnectorError, "connect"),
    (aiohttp.InvalidURL, "connect"),
    (aiohttp.ServerTimeoutError, "timeout"),
    (aiohttp.ClientPayloadError, "broken"),
    (aiohttp.ServerDisconnectedError, "reset"),
    (aiohttp.ClientOSError, "reset"),
    (aiohttp.ClientResponseError, "protocol"),
    (asyncio.TimeoutError, "timeout"),
    (OSError, "reset"),
    (aiohttp.ClientError, "protocol"),
    (ValueError, "protocol"),
)
FOREIGN = tuple(kind for kind, _ in _KINDS)


def translate(error: BaseException) -> TransportFailure:
    """The failure that `error`, one of `FOREIGN`, stands for. Its text names no header and no body."""
    kind = next(name for known, name in _KINDS if isinstance(error, known))
    words = str(error) or type(error).__name__
    return TransportFailure(kind, words[:_MESSAGE_LIMIT])
