"""One way to Redis for every process, whichever form of it is installed.

- `redis://`, `rediss://` (TLS) and `unix://`: one server.
- `redis+sentinel://host:port,host:port/service[/db]`: whichever server the Sentinels call the primary.
- `redis+cluster://host:port,host:port`: a Redis Cluster, found through any of the nodes named.

`rediss+sentinel://` and `rediss+cluster://` are the same over TLS. A user and a password before the hosts are those of
the servers; Sentinels with a login of their own take `sentinel_username` and `sentinel_password` from the query.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from havuz_contract.cluster import ClusterClient, Host

Form = Literal["server", "sentinel", "cluster"]

FORMS = "redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://"
_URL = re.compile(
    r"(?P<scheme>rediss?)\+(?P<form>sentinel|cluster)://(?:(?P<user>[^@/]*)@)?(?P<hosts>[^@/?]+)(?P<path>/[^?]*)?(?:\?(?P<query>.*))?"
)
_HOST = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[^:\[\]]+))(?::(?P<port>\d{1,5}))?")
_PORTS = {"server": 6379, "sentinel": 26379, "cluster": 6379}
_CONNECT_SECONDS = 3.0
_SENTINEL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Place:
    """What a URL says: how Redis is installed, where, and as whom to call it.

    `hosts` are the servers, or the Sentinels of `service`; none for a unix socket. `options` and
    `sentinel_options` are connection settings under the names that redis-py gives them, without host and port.
    """

    form: Form
    hosts: tuple[Host, ...]
    tls: bool
    service: str = ""
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    sentinel_options: Mapping[str, Any] = field(default_factory=dict, repr=False)


def read_url(url: str, *, ca_file: Path | None = None) -> Place:
    """Read a URL of one of the forms above; `ca_file` holds the authorities to trust where the URL names none.

    Raises `ValueError` with a sentence that does not repeat the URL.
    """
    if re.match(r"(rediss?|unix)://.", url):
        return _server(url, ca_file)
    found = _URL.fullmatch(url)
    if found is None:
        raise ValueError(f"is not a {FORMS} URL")
    form = cast("Form", found["form"])
    hosts = tuple(_host(text, _PORTS[form]) for text in found["hosts"].split(","))
    service, _, database = (found["path"] or "").strip("/").partition("/")
    if form == "cluster" and service not in ("", "0"):
        raise ValueError("names a database, and a Redis Cluster has only one: end it with the hosts")
    if form == "sentinel" and not service:
        raise ValueError("names no service of the Sentinels: write redis+sentinel://host:port,host:port/service")
    user = f"{found['user']}@" if found["user"] is not None else ""
    query = f"?{found['query']}" if found["query"] else ""
    options = _options(f"{found['scheme']}://{user}localhost/{database}{query}", ca_file)
    options.pop("host", None)
    logins = {name: options.pop(f"sentinel_{name}", None) for name in ("username", "password")}
    tls = found["scheme"] == "rediss"
    own = {name: value for name, value in options.items() if name.startswith("ssl_")}
    own |= {name: value for name, value in logins.items() if value is not None}
    return Place(form, hosts, tls=tls, service=service, options=options, sentinel_options=own)


def connect(url: str, *, name: str, ca_file: Path | None = None, answer_seconds: float = 8.0) -> Redis:
    """A client that fails at once: whoever calls knows better how long to wait before trying again.

    `name` is shown by `CLIENT LIST`; `answer_seconds` must be longer than any blocking read. Nothing is
    connected yet. Raises `ValueError` as `read_url` does.
    """
    place = read_url(url, ca_file=ca_file)
    bounds: dict[str, Any] = {
        "socket_connect_timeout": _CONNECT_SECONDS,
        "socket_timeout": answer_seconds,
        "retry": Retry(NoBackoff(), 0),
        "client_name": name,
    }
    match place.form:
        case "server":
            pool = ConnectionPool.from_url(url, **bounds, **_authorities(place, ca_file))
            return Redis.from_pool(pool)
        case "sentinel":
            return _primary(place, bounds)
        case "cluster":
            return cast("Redis", cluster_client(place, **bounds))
        case _:
            raise ValueError(f"no form of Redis: {place.form!r}")


def cluster_client(place: Place, **bounds: Any) -> ClusterClient:
    """A client of a place that is a Redis Cluster."""
    return ClusterClient(place.hosts, tls=place.tls, options={**bounds, **place.options})


def sentinels(place: Place, *, seconds: float, **primary: Any) -> Sentinel:
    """The Sentinels of a place, each given so many seconds to answer; `primary` are settings of what they lead to."""
    own = {
        **place.sentinel_options, "ssl": place.tls, "retry": Retry(NoBackoff(), 0),
        "socket_connect_timeout": seconds, "socket_timeout": seconds,
    }  # fmt: skip
    untyped: Any = Sentinel
    return cast("Sentinel", untyped(place.hosts, sentinel_kwargs=own, **primary))


class _OfSentinels(Redis):
    """A client of the primary that closes its Sentinels, too."""

    sentinels: Sentinel

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        await super().aclose(close_connection_pool)
        await self.sentinels.aclose()


def _primary(place: Place, bounds: Mapping[str, Any]) -> Redis:
    found = sentinels(place, seconds=_SENTINEL_SECONDS, **{**bounds, **place.options, "ssl": place.tls})
    client = cast("_OfSentinels", found.master_for(place.service, redis_class=_OfSentinels))
    client.sentinels = found
    return client


def _server(url: str, ca_file: Path | None) -> Place:
    options = _options(url, ca_file)
    host, port = options.pop("host", "127.0.0.1"), int(options.pop("port", _PORTS["server"]))
    return Place("server", () if "path" in options else ((host, port),), tls=url.startswith("rediss"), options=options)


def _options(url: str, ca_file: Path | None) -> dict[str, Any]:
    try:
        options: dict[str, Any] = dict(parse_url(url))
    except ValueError as error:
        raise ValueError(f"can't be read: {error}") from None
    options.pop("connection_class", None)
    if ca_file is not None and url.startswith("rediss"):
        options.setdefault("ssl_ca_certs", str(ca_file))
    return options


def _authorities(place: Place, ca_file: Path | None) -> dict[str, Any]:
    return {"ssl_ca_certs": str(ca_file)} if place.tls and ca_file is not None else {}


def _host(text: str, default: int) -> Host:
    found = _HOST.fullmatch(text)
    if found is None:
        raise ValueError("has a host that can't be read: write host:port,host:port")
    return found["six"] or found["name"], int(found["port"] or default)
