"""What a browser holds in place of a key: a random token that is known to be ours before anything is asked for it.

`<24 random bytes>.<HMAC-SHA256>`, both base64url. A token that was not made here never reaches Redis.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Callable

from havuz_contract.snapshot.envelope import Keyring

_PURPOSE = "havuz session"
_RANDOM_BYTES = 24
_LONGEST = 128


class Tokens:
    """Makes and recognises tokens; the first key of the keyring signs, every one of them is recognised."""

    def __init__(self, keyring: Keyring, *, random: Callable[[int], bytes] = os.urandom) -> None:
        self._keys = list(keyring.derived(_PURPOSE).values())
        self._random = random

    def make(self) -> str:
        """A token that nobody has."""
        name = self.name()
        return f"{name}.{_mac(self._keys[0], 'token', name)}"

    def name(self) -> str:
        """A name that nobody can guess: 32 letters, digits, - and _."""
        return _text(self._random(_RANDOM_BYTES))

    def is_ours(self, token: str) -> bool:
        """Whether it was made here, whatever has become of it since."""
        if len(token) > _LONGEST or not token.isascii():
            return False
        name, _, mac = token.partition(".")
        return any(hmac.compare_digest(_mac(key, "token", name), mac) for key in self._keys)

    def form_proof(self, token: str) -> str:
        """What the forms of a token's pages carry, so that no other site can send them."""
        return _mac(self._keys[0], "form", token)

    def proves(self, token: str, proof: str) -> bool:
        """Whether a form that carries `proof` comes from a page of this token."""
        return proof.isascii() and any(hmac.compare_digest(_mac(key, "form", token), proof) for key in self._keys)

    def origin(self, address: str) -> str:
        """A name for an address, which does not tell it."""
        return _mac(self._keys[0], "origin", address)


def digest(token: str) -> str:
    """The name under which a token's session is kept: who reads Redis can't make the token of it."""
    return hashlib.sha256(token.encode()).hexdigest()


def _mac(key: bytes, use: str, text: str) -> str:
    return _text(hmac.digest(key, f"{use}\n{text}".encode(), "sha256"))


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
