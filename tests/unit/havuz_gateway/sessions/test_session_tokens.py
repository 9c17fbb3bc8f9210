"""What a browser holds in place of a key can't be made or guessed by anybody else."""

import pytest

from havuz_contract.snapshot.envelope import Keyring
from havuz_gateway.sessions.tokens import Tokens, digest

OLD, NEW = Keyring.generate("old"), Keyring.generate("new")


def tokens(*keys: str) -> Tokens:
    return Tokens(Keyring.parse(" ".join(keys)))


def test_a_token_is_known_to_be_ours_by_every_process_with_the_same_keys() -> None:
    token = tokens(OLD).make()
    assert tokens(OLD).is_ours(token)
    assert not tokens(NEW).is_ours(token)
    assert tokens(OLD).make() != token


def test_tokens_and_their_forms_outlive_a_rotation_of_the_keys() -> None:
    before, during, after = tokens(OLD), tokens(NEW, OLD), tokens(NEW)
    token = before.make()
    proof = before.form_proof(token)
    assert during.is_ours(token)
    assert during.proves(token, proof)
    assert not after.is_ours(token)
    assert not after.proves(token, proof)


@pytest.mark.parametrize("token", ["", ".", "a", "a.b", "ş.b", "x" * 10_000, "a" * 32 + "." + "b" * 43])
def test_what_was_not_made_here_is_not_ours(token: str) -> None:
    assert not tokens(OLD).is_ours(token)


def test_a_form_belongs_to_one_token() -> None:
    made = tokens(OLD)
    one, other = made.make(), made.make()
    assert made.proves(one, made.form_proof(one))
    assert not made.proves(one, made.form_proof(other))
    assert not made.proves(one, "")
    assert not made.proves(one, "ş")


def test_what_is_kept_says_neither_token_nor_address() -> None:
    made = tokens(OLD)
    token = made.make()
    assert token not in digest(token)
    assert "203.0.113.7" not in made.origin("203.0.113.7")
    assert made.origin("203.0.113.7") == tokens(OLD).origin("203.0.113.7")
