"""Where the meter's Redis is, read from the same URL that every other part of the gateway uses."""

import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from redis.exceptions import RedisError

from havuz_contract.connection import Host, Place, sentinels
from havuz_gateway.metering.link import Address

Locate = Callable[[], Awaitable[Address]]
_SENTINEL_SECONDS = 0.4  # of the second or so that a connection may take in all


def locator(place: Place) -> Locate:
    """Finds the one server, or the one that the Sentinels call the primary at that moment."""
    tls = tls_context(place.options) if place.tls else None

    async def the_server() -> Address:
        return address(place, place.hosts[0] if place.hosts else None, tls)

    async def the_primary() -> Address:
        return address(place, await _ask_sentinels(place), tls)

    return the_primary if place.form == "sentinel" else the_server


def address(place: Place, host: Host | None, tls: ssl.SSLContext | None) -> Address:
    """One server of this place; `host` None is its unix socket."""
    name, port = host or ("", 0)
    return Address(
        host=name,
        port=port,
        path=place.options.get("path"),
        tls=tls,
        username=place.options.get("username"),
        password=place.options.get("password"),
        database=int(place.options.get("db", 0)),
    )


def tls_context(options: Mapping[str, Any]) -> ssl.SSLContext:
    """The TLS that a URL's options ask for. Raises `OSError` when a file of theirs can't be read."""
    context = ssl.create_default_context(cafile=options.get("ssl_ca_certs"))
    if options.get("ssl_certfile"):
        context.load_cert_chain(options["ssl_certfile"], options.get("ssl_keyfile"))
    if options.get("ssl_check_hostname") is False:
        context.check_hostname = False
    if options.get("ssl_cert_reqs") == "none":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def _ask_sentinels(place: Place) -> Host:
    """Raises `OSError` when none of them knows a primary."""
    async with sentinels(place, seconds=_SENTINEL_SECONDS) as known:
        try:
            host, port = await known.discover_master(place.service)
        except RedisError as error:
            raise ConnectionError(f"no Sentinel names a primary of {place.service!r}: {error}") from None
        return str(host), int(port)
