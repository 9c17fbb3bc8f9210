"""Where the meter's Redis is, read from the same URL that every other part of the gateway uses."""

import ssl
from typing import Any

from redis.asyncio.connection import parse_url

from havuz_gateway.metering.link import Address


def address_of(url: str) -> Address:
    """The address of a `redis://`, `rediss://` or `unix://` URL. Raises `ValueError` for any other."""
    parts: dict[str, Any] = dict(parse_url(url))
    return Address(
        host=parts.get("host", "127.0.0.1"),
        port=int(parts.get("port", 6379)),
        path=parts.get("path"),
        tls=_context(parts) if url.startswith("rediss://") else None,
        username=parts.get("username"),
        password=parts.get("password"),
        database=int(parts.get("db", 0)),
    )


def _context(parts: dict[str, Any]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=parts.get("ssl_ca_certs"))
    if parts.get("ssl_certfile"):
        context.load_cert_chain(parts["ssl_certfile"], parts.get("ssl_keyfile"))
    if parts.get("ssl_check_hostname") is False:
        context.check_hostname = False
    if parts.get("ssl_cert_reqs") == "none":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
