"""Signatures of tasks that are asked about without a key: whoever has number and signature may see that one task.

`<key id>.<project uid>.<HMAC-SHA256>`, base64url, made with a key derived from the encryption keyring: the first entry
signs, every entry is recognised, so that signatures outlive a rotation.
"""

import base64
import binascii
import hmac

from havuz_contract.snapshot.envelope import Keyring

_PURPOSE = "havuz task signature"
_MAC_BYTES = 32
_LONGEST = 1_024


class Signatures:
    """Makes and reads signatures."""

    def __init__(self, keyring: Keyring) -> None:
        self._keys = keyring.derived(_PURPOSE)
        self._signing_id = next(iter(self._keys))

    def make(self, project_uid: str, number: int) -> str:
        """The signature of a project's task."""
        told = f"{self._signing_id}.{project_uid}".encode()
        return base64.urlsafe_b64encode(told + b"." + self._mac(self._signing_id, project_uid, number)).decode()

    def read(self, signature: str, number: int) -> str | None:
        """The project whose task of this number it was made for, or None where it was made for none."""
        try:
            decoded = base64.urlsafe_b64decode(signature) if len(signature) <= _LONGEST else b""
            told, given = decoded[: -_MAC_BYTES - 1].decode(), decoded[-_MAC_BYTES:]
        except (binascii.Error, ValueError):
            return None
        key_id, _, project_uid = told.partition(".")
        known = key_id in self._keys
        expected = self._mac(key_id if known else self._signing_id, project_uid, number)
        return project_uid if hmac.compare_digest(expected, given) and known else None

    def _mac(self, key_id: str, project_uid: str, number: int) -> bytes:
        return hmac.digest(self._keys[key_id], f"{project_uid}\n{number}".encode(), "sha256")
