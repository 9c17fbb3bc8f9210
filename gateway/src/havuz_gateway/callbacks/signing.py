"""Standard Webhooks: who a callback is from, and that nobody changed it. https://www.standardwebhooks.com

The secrets of a project are derived from the encryption keyring, so that there is nothing to keep and nothing to lose:
one for each version that the Project names and each key of the keyring. A callback is signed with all of them, so that
a secret is replaced without a gap, whichever of the two is rotated.
"""

import base64
import hmac
from collections.abc import Mapping, Sequence

from havuz_contract.snapshot.envelope import Keyring

_PURPOSE = "havuz webhook secret"
_SECRET_PREFIX = "whsec_"  # noqa: S105 - what every secret begins with


class WebhookSecrets:
    """The secrets of every project."""

    def __init__(self, keyring: Keyring) -> None:
        self._roots = tuple(keyring.derived(_PURPOSE).values())

    def of(self, project_uid: str, versions: Sequence[int]) -> list[bytes]:
        """The secrets (32 bytes each) of a project; the first is the one to give to the customer."""
        return [
            hmac.digest(root, f"{project_uid}\n{version}".encode(), "sha256")
            for version in versions
            for root in self._roots
        ]


def shown(secret: bytes) -> str:
    """A secret as libraries of Standard Webhooks take it."""
    return _SECRET_PREFIX + base64.b64encode(secret).decode()


def headers(secrets: Sequence[bytes], *, message_id: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """The headers of one attempt at `timestamp` (unix seconds), signed with each secret.

    Raises `ValueError` for an id with a dot, behind which another text could be made to have the same signature.
    """
    if "." in message_id:
        raise ValueError(f"the id {message_id!r} of a webhook has a dot: use another")
    signed = f"{message_id}.{timestamp}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(secret, signed, "sha256")).decode() for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
