"""The receiving side of Standard Webhooks, written from the specification and not from our own signing."""

import base64
import hashlib
import hmac
from collections.abc import Mapping


def verifies(secret: str, headers: Mapping[str, str], body: bytes, *, now: float, tolerance: float = 300.0) -> bool:
    """Whether a receiver that has `secret` (`whsec_…`) takes a request for genuine and fresh."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    if abs(now - int(headers["webhook-timestamp"])) > tolerance:
        return False
    signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = (signature.partition(",") for signature in headers["webhook-signature"].split(" "))
    return any(version == "v1" and hmac.compare_digest(value, expected) for version, _, value in given)
