"""Certificates for the fake provider: one that is good, and the usual ways in which one is not."""

import datetime
import ssl
from typing import Literal

import trustme

Certificate = Literal["valid", "expired", "untrusted", "wrong-name"]


def make_certificate(kind: Certificate) -> tuple[ssl.SSLContext, str]:
    """The server's TLS context, and the PEM of the authority that its clients trust."""
    trusted = trustme.CA()
    now = datetime.datetime.now(datetime.UTC)
    match kind:
        case "valid":
            leaf = trusted.issue_cert("127.0.0.1", "localhost")
        case "expired":
            past = now - datetime.timedelta(days=30)
            leaf = trusted.issue_cert("127.0.0.1", not_before=past, not_after=now - datetime.timedelta(days=1))
        case "untrusted":
            leaf = trustme.CA().issue_cert("127.0.0.1", "localhost")
        case "wrong-name":
            leaf = trusted.issue_cert("elsewhere.example")
        case _:
            raise ValueError(f"no kind of certificate: {kind!r}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    return context, trusted.cert_pem.bytes().decode()
