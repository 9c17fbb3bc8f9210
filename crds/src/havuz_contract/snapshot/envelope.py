"""Sealing: AES-256-GCM envelopes, so that a credential is never in Redis or on disk in clear.

An envelope is `v1.<key id>.<base64url nonce>.<base64url ciphertext>`. The associated data (for a credential:
the uid of its UpstreamKey) binds it to one place: moved elsewhere it does not open.
"""

import base64
import binascii
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

_VERSION = "v1"
_NONCE_BYTES = 12
_KEY_BYTES = 32


class EnvelopeError(Exception):
    """An envelope could not be opened: unknown key id, altered text, or another owner's associated data."""


class Keyring:
    """The encryption keys both sides mount: the first one seals, any of them opens.

    Written as `id:base64` entries separated by commas or white space (32 bytes each). Rotate by putting
    a new entry in front and removing the old one when every envelope has been rewritten.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        if not keys:
            raise ValueError("an encryption keyring needs at least one key, written as id:base64")
        for key_id, key in keys.items():
            if len(key) != _KEY_BYTES:
                raise ValueError(f"encryption key {key_id!r} has {len(key)} bytes; it needs {_KEY_BYTES}")
            if not key_id or "." in key_id:
                raise ValueError(f"encryption key id {key_id!r} must be non-empty and without a dot")
        self._keys = dict(keys)
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._sealing_id = next(iter(keys))

    def __repr__(self) -> str:
        return f"Keyring(ids={list(self._ciphers)})"

    @classmethod
    def parse(cls, text: str) -> "Keyring":
        """Read `id:base64` entries. Raises `ValueError` with a sentence that never shows a key."""
        keys: dict[str, bytes] = {}
        for entry in text.replace(",", " ").split():
            key_id, _, encoded = entry.partition(":")
            try:
                keys[key_id] = base64.b64decode(encoded, validate=True)
            except binascii.Error:
                raise ValueError(f"encryption key {key_id!r} is not valid base64") from None
        return cls(keys)

    @staticmethod
    def generate(key_id: str = "k1") -> str:
        """Make a new keyring text of one random key."""
        return f"{key_id}:{base64.b64encode(os.urandom(_KEY_BYTES)).decode()}"

    def seal(self, plain: bytes, *, owner: str) -> str:
        """Encrypt `plain` for `owner` (the associated data)."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._sealing_id].encrypt(nonce, plain, owner.encode())
        parts = (base64.urlsafe_b64encode(part).decode() for part in (nonce, sealed))
        return ".".join((_VERSION, self._sealing_id, *parts))

    def open(self, envelope: str, *, owner: str) -> bytes:
        """Decrypt what `seal` made for the same `owner`. Raises `EnvelopeError`."""
        try:
            version, key_id, nonce, sealed = envelope.split(".")
            if version != _VERSION:
                raise EnvelopeError(f"envelope of unknown version {version!r}; expected {_VERSION!r}")
            cipher = self._ciphers[key_id]
            return cipher.decrypt(base64.urlsafe_b64decode(nonce), base64.urlsafe_b64decode(sealed), owner.encode())
        except KeyError:
            raise EnvelopeError("envelope was sealed with an encryption key this process does not have") from None
        except (ValueError, InvalidTag):
            raise EnvelopeError(f"envelope of {owner!r} is damaged or belongs to another object") from None

    def sealed_with_current(self, envelope: str) -> bool:
        """Say whether the envelope was sealed with the key that seals now (False: seal it anew after a rotation)."""
        return envelope.split(".")[1:2] == [self._sealing_id]

    def derived(self, purpose: str) -> Mapping[str, bytes]:
        """Keys (32 bytes) by id for another purpose than sealing, such as signing; the first one is to be used.

        They say nothing of the keys that seal: https://www.rfc-editor.org/rfc/rfc5869.
        """
        info = purpose.encode()
        return {
            key_id: HKDFExpand(algorithm=SHA256(), length=_KEY_BYTES, info=info).derive(key)
            for key_id, key in self._keys.items()
        }
