"""Signatures of callbacks, as Standard Webhooks has them."""

import base64
import hmac

import pytest

from havuz_contract.snapshot.envelope import Keyring
from havuz_gateway.callbacks.signing import WebhookSecrets, headers, shown

OLD, NEW = Keyring.generate("old"), Keyring.generate("new")


def test_a_signature_is_what_the_standards_own_example_says() -> None:
    # of the libraries at https://github.com/standard-webhooks/standard-webhooks
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = headers(
        [secret], message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp=1614265330, body=b'{"test": 2432232314}'
    )
    assert made == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert shown(secret) == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_an_id_with_a_dot_is_not_signed() -> None:
    with pytest.raises(ValueError, match="has a dot"):
        headers([b"x"], message_id="msg_1.2", timestamp=1, body=b"")


def test_every_project_and_version_has_a_secret_of_its_own() -> None:
    secrets = WebhookSecrets(Keyring.parse(OLD))
    made = [secrets.of(uid, (version,))[0] for uid in ("a", "b", "a\n1") for version in (1, 2)]
    assert len(set(made)) == len(made)
    assert all(len(secret) == 32 for secret in made)
    assert WebhookSecrets(Keyring.parse(OLD)).of("a", (1,)) == made[:1]


def test_a_rotation_of_either_kind_goes_on_signing_with_what_the_customer_has() -> None:
    had = WebhookSecrets(Keyring.parse(OLD)).of("a", (1,))[0]
    rotated = WebhookSecrets(Keyring.parse(f"{NEW} {OLD}")).of("a", (2, 1))
    assert had in rotated
    assert rotated[0] == WebhookSecrets(Keyring.parse(NEW)).of("a", (2,))[0]
    signatures = headers(rotated, message_id="msg_1", timestamp=1, body=b"{}")["webhook-signature"].split()
    expected = base64.b64encode(hmac.digest(had, b"msg_1.1.{}", "sha256")).decode()
    assert f"v1,{expected}" in signatures
    assert len(signatures) == len(set(signatures)) == 4
