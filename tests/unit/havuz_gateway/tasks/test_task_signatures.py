"""Signatures of tasks: good for one task of one project, across a rotation, and for nothing else."""

import base64

import pytest

from havuz_contract.snapshot.envelope import Keyring
from havuz_gateway.tasks.signature import Signatures

OLD, NEW = Keyring.generate("k1"), Keyring.generate("k2")


def test_a_signature_is_good_for_its_task_alone() -> None:
    signatures = Signatures(Keyring.parse(OLD))
    made = signatures.make("uid.with.dots", 12_345_678)
    assert signatures.read(made, 12_345_678) == "uid.with.dots"
    assert signatures.read(made, 12_345_679) is None
    assert Signatures(Keyring.parse(NEW)).read(made, 12_345_678) is None


def test_a_signature_outlives_a_rotation() -> None:
    made = Signatures(Keyring.parse(OLD)).make("uid", 7)
    rotated = Signatures(Keyring.parse(f"{NEW} {OLD}"))
    assert rotated.read(made, 7) == "uid"
    assert rotated.make("uid", 7) != made


@pytest.mark.parametrize("position", range(0, 60, 7))
def test_a_changed_signature_is_good_for_nothing(position: int) -> None:
    signatures = Signatures(Keyring.parse(OLD))
    decoded = bytearray(base64.urlsafe_b64decode(signatures.make("uid-of-a-project-123456789", 7)))
    decoded[position] ^= 1
    assert signatures.read(base64.urlsafe_b64encode(decoded).decode(), 7) is None


@pytest.mark.parametrize("text", ["", "A", "abcxyz123", "é", "=" * 40, "A" * 100_000, "\x00"])
def test_junk_is_good_for_nothing(text: str) -> None:
    assert Signatures(Keyring.parse(OLD)).read(text, 7) is None
