"""Where the meter's Redis is, read from the same URL that every other part of the gateway uses."""

import ssl
from collections.abc import Mapping
from typing import Any

from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from havuz_contract.cluster import Host
from havuz_contract.connection import Place, cluster_client, sentinels
from havuz_gateway.metering.cluster_link import ClusterLink
from havuz_gateway.metering.link import Address, Calls, Link
from havuz_gateway.metering.scripts import LOADS

_NODE_SECONDS = 0.4
_SENTINEL_SECONDS = 0.4  # of the second or so that a connection may take in all


def calls_to(place: Place, *, timeout: float) -> Calls:
    """The meter's way to this place; `timeout` is in seconds. Raises `OSError` when a file of its TLS can't be read."""
    tls = tls_context(place.options) if place.tls else None

    async def the_server() -> Address:
        return address(place, place.hosts[0] if place.hosts else None, tls)

    async def the_primary() -> Address:
        return address(place, await _ask_sentinels(place), tls)

    match place.form:
        case "server":
            return Link(the_server, greeting=LOADS, timeout=timeout)
        case "sentinel":
            return Link(the_primary, greeting=LOADS, timeout=timeout)
        case "cluster":
            return ClusterLink(
                lambda: _ask_cluster(place), lambda host: address(place, host, tls), greeting=LOADS, timeout=timeout
            )
        case _:
            raise ValueError(f"no form of Redis: {place.form!r}")


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


async def _ask_cluster(place: Place) -> dict[Host, list[int]]:
    """Raises `OSError` when no node that the URL names can be asked."""
    limits = {"socket_connect_timeout": _NODE_SECONDS, "socket_timeout": _NODE_SECONDS}
    try:
        return await cluster_client(place, retry=Retry(NoBackoff(), 0), **limits).primaries()
    except RedisError as error:
        raise ConnectionError(str(error)) from None
