"""TLS to providers: certificates checked, and sessions taken up again, which costs a third of a whole handshake.

https://www.rfc-editor.org/rfc/rfc8446#section-2.2
"""

import asyncio
import ssl

from havuz_gateway.transport.base import TransportFailure

_MOST_SESSIONS = 1024  # of hosts under one set of authorities: the oldest make room


class Tls:
    """One context for each set of trusted authorities, made once: reading the system's takes tens of milliseconds."""

    def __init__(self) -> None:
        self._contexts: dict[str | None, ssl.SSLContext] = {}
        self._making: dict[str | None, asyncio.Task[ssl.SSLContext]] = {}

    async def context(self, ca_bundle: str | None) -> ssl.SSLContext:
        """How certificates are checked: by the system's authorities, or by those of a PEM bundle alone.

        Raises `TransportFailure` of kind `tls`.
        """
        known = self._contexts.get(ca_bundle)
        if known is not None:
            return known
        making = self._making.get(ca_bundle)
        if making is None:  # in a thread, so that requests to other providers go on meanwhile
            making = asyncio.create_task(asyncio.to_thread(_context, ca_bundle), name="TLS context")
            self._making[ca_bundle] = making
            making.add_done_callback(lambda done: self._made(ca_bundle, done))
        return await asyncio.shield(making)

    def _made(self, ca_bundle: str | None, making: asyncio.Task[ssl.SSLContext]) -> None:
        self._making.pop(ca_bundle, None)
        if not making.cancelled() and making.exception() is None:
            self._contexts[ca_bundle] = making.result()


class Resumed(ssl.SSLObject):
    """One end of a connection. Classes made by `_resuming` know the sessions of one context."""

    sessions: dict[str, ssl.SSLSession]
    _begun = False

    def do_handshake(self) -> None:
        """Take the host's last session up again, if the host still knows it; else a whole handshake is made.

        It is called again and again, until it is through.
        """
        if not self._begun:
            self._begun = True
            known = self.sessions.get(self.server_hostname or "")
            if known is not None:
                self.session = known
        super().do_handshake()

    def remember(self) -> None:
        """Keep the session for connections to come. Its ticket has come once an answer was read.

        One that was taken up again is kept already, and lasts until the host does not know it any more.
        """
        if self.session_reused:
            return
        session, host = self.session, self.server_hostname
        if session is None or host is None or not session.has_ticket:
            return
        self.sessions.pop(host, None)
        while len(self.sessions) >= _MOST_SESSIONS:
            del self.sessions[next(iter(self.sessions))]
        self.sessions[host] = session

    def was_closed(self) -> bool:
        """Whether the other end has said that it closes; to be asked when nothing more can come."""
        try:
            return not self.read(1)
        except ssl.SSLZeroReturnError:
            return True
        except ssl.SSLError:
            return False


def _context(ca_bundle: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=ca_bundle)
    except ssl.SSLError as error:
        raise TransportFailure("tls", f"the CA bundle is not usable: {error.reason}") from error
    context.set_alpn_protocols(["http/1.1"])
    context.sslobject_class = type("Resuming", (Resumed,), {"sessions": {}})
    return context
