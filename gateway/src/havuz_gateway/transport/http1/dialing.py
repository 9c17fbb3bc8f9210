"""Opening connections: addresses raced as https://www.rfc-editor.org/rfc/rfc8305 says, TLS verified."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import aiohappyeyeballs

from havuz_gateway.transport.base import CONNECT_TIMEOUT_SECONDS, TransportFailure
from havuz_gateway.transport.http1.connection import Connection
from havuz_gateway.transport.http1.names import Address, Names
from havuz_gateway.transport.http1.request_head import Origin
from havuz_gateway.transport.http1.tls import Tls

_NEXT_ADDRESS_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Dialer:
    """Makes connections to any origin."""

    names: Names
    tls: Tls = field(default_factory=Tls)

    async def dial(self, origin: Origin, *, ca_bundle: str | None, make: Callable[[], Connection]) -> Connection:
        """A new connection. Raises `TransportFailure` of kind `connect` or `tls`."""
        context = await self.tls.context(ca_bundle) if origin.tls else None
        place = f"{origin.host}:{origin.port}"
        try:
            addresses = await self.names.addresses(origin.host, origin.port)
            async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
                return await _connect(addresses, origin, context, make)
        except TimeoutError:
            sentence = f"no connection to {place} within {CONNECT_TIMEOUT_SECONDS:g} seconds"
            raise TransportFailure("connect", sentence) from None
        except ssl.SSLError as error:
            words = getattr(error, "verify_message", "") or error.reason or type(error).__name__
            raise TransportFailure("tls", f"TLS with {place} failed: {words}") from error
        except (OSError, RuntimeError, ValueError) as error:  # uvloop raises RuntimeError, a bad name UnicodeError
            words = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise TransportFailure("connect", f"can't connect to {place}: {words}") from error


async def _connect(
    addresses: Sequence[Address],
    origin: Origin,
    context: ssl.SSLContext | None,
    make: Callable[[], Connection],
) -> Connection:
    loop = asyncio.get_running_loop()
    delay = _NEXT_ADDRESS_SECONDS if len(addresses) > 1 else None
    sock = await aiohappyeyeballs.start_connection(addresses, happy_eyeballs_delay=delay, loop=loop)
    try:
        _, connection = await loop.create_connection(
            make, sock=sock, ssl=context, server_hostname=origin.host if context is not None else None
        )
    except BaseException:
        sock.close()
        raise
    connection.sock = sock
    return connection
