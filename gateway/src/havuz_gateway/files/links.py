"""Links to kept files that need no key: whoever has one may read that file until it expires.

`/files/<name>?expires=<unix seconds>&signature=<key id>.<HMAC-SHA256, base64url>`, signed with a key derived from the
encryption keyring: the first entry signs, every entry is recognised, so that links outlive a rotation.
"""

import base64
import hmac
from collections.abc import Mapping
from urllib.parse import quote

from havuz_contract.snapshot.envelope import Keyring
from havuz_gateway.errors import Gone, PermissionDenied
from havuz_gateway.files.names import FileName

PREFIX = "/files/"
_PURPOSE = "havuz file link"


class Links:
    """Makes and checks links. A link made works for `seconds`."""

    def __init__(self, keyring: Keyring, *, seconds: float) -> None:
        self._keys = keyring.derived(_PURPOSE)
        self._signing_id = next(iter(self._keys))
        self._seconds = seconds

    def make(self, name: FileName, *, base_url: str, now: float) -> str:
        """The link to a file, under a base URL such as `https://api.example.com`; `now` is unix seconds."""
        expires = str(int(now + self._seconds))
        signature = quote(f"{self._signing_id}.{self._signature(self._signing_id, name, expires)}", safe="")
        return f"{base_url.rstrip('/')}{PREFIX}{name}?expires={expires}&signature={signature}"

    def check(self, name: FileName, query: Mapping[str, tuple[str, ...]], *, now: float) -> float:
        """The seconds that the link still works for. Raises `PermissionDenied`, and `Gone` once it has expired."""
        expires = query.get("expires", ("",))[0]
        key_id, _, given = query.get("signature", ("",))[0].rpartition(".")
        known = key_id in self._keys and expires.isascii() and expires.isdigit() and len(expires) <= len("253402300799")
        signature = self._signature(key_id if known else self._signing_id, name, expires)
        if not hmac.compare_digest(signature.encode(), given.encode()) or not known:
            raise PermissionDenied("the link's signature is not valid: use the link exactly as you were given it")
        left = int(expires) - now
        if left <= 0:
            raise Gone("the link has expired: ask for the result again to get a new one")
        return left

    def _signature(self, key_id: str, name: FileName, expires: str) -> str:
        mac = hmac.digest(self._keys[key_id], f"{name}\n{expires}".encode(), "sha256")
        return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
