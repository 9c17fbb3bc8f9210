"""A Google service account: the file that its owner gets, and what Google checks of the tokens that it signs.

The rules are those of https://google.aip.dev/auth/4111 (a token that is not exchanged for another) and RFC 7515.
"""

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_LONGEST_SECONDS = 3600
_SKEW_SECONDS = 10


class Untrusted(Exception):
    """A token is not one of the account's, or not of this hour."""


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """An account and its only key."""

    email: str
    key_id: str
    key: rsa.RSAPrivateKey = field(repr=False)

    @classmethod
    def make(cls, email: str) -> "ServiceAccount":
        """With a new key, which takes a moment."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return cls(email, f"{key.public_key().public_numbers().n % 2**160:040x}", key)

    @property
    def document(self) -> dict[str, str]:
        """The file, as https://cloud.google.com/iam/docs/keys-create-delete shows it."""
        kind = serialization.PrivateFormat.PKCS8
        pem = self.key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption())
        return {
            "type": "service_account",
            "project_id": "a-project",
            "private_key_id": self.key_id,
            "private_key": pem.decode(),
            "client_email": self.email,
            "token_uri": "https://oauth2.googleapis.com/token",
        }

    def check(self, token: str, *, now: float) -> None:
        """Raises `Untrusted`. `now` in seconds since 1970."""
        signed, _, signature = token.rpartition(".")
        try:
            header, claims = (json.loads(_decoded(part)) for part in signed.split("."))
            told = _decoded(signature)
        except ValueError:
            raise Untrusted("the token is no JWT") from None
        if (header.get("alg"), header.get("typ")) != ("RS256", "JWT"):
            raise Untrusted("the token is not of RS256")
        try:
            self.key.public_key().verify(told, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            raise Untrusted("the token's signature is wrong") from None
        self._check_claims(header, claims, now)

    def _check_claims(self, header: dict[str, Any], claims: dict[str, Any], now: float) -> None:
        if header.get("kid") != self.key_id:
            raise Untrusted("the token names another key")
        if (claims.get("iss"), claims.get("sub")) != (self.email, self.email):
            raise Untrusted("the token is of another account")
        if claims.get("scope") != _SCOPE:
            raise Untrusted("the token is for something else")
        since, until = claims["iat"], claims["exp"]
        if until - since > _LONGEST_SECONDS or not since - _SKEW_SECONDS <= now < until:
            raise Untrusted("the token is not of this hour")


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
