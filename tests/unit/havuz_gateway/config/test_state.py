"""Texts to parts: what does not decode keeps its former meaning, what did not change is not decoded again."""

import logging

import pytest

from harness.builders import make_project, make_upstream
from havuz_contract import keys
from havuz_contract.snapshot import wire
from havuz_contract.snapshot.envelope import Keyring
from havuz_contract.snapshot.models import Part
from havuz_gateway.config.state import ConfigUnusableError, Decoder, State, Texts

KEYRING = Keyring.parse(Keyring.generate())


def decoder(keyring: Keyring = KEYRING) -> Decoder:
    return Decoder(keyring)


def texts_of(**parts: Part) -> Texts:
    texts: dict[str, dict[str, str]] = {}
    for uid, part in parts.items():
        kind = keys.UPSTREAMS if hasattr(part, "credential") else keys.PROJECTS
        texts.setdefault(kind, {})[uid] = wire.encode(part, KEYRING)
    return texts


async def test_a_whole_load_holds_exactly_the_texts_it_was_given() -> None:
    one, two = make_project().project, make_project().project
    before = await decoder().whole(texts_of(one=one), State(), revision=1, position="1-0")
    after = await decoder().whole(texts_of(two=two), before, revision=2, position="2-0")
    assert after.snapshot().projects == {"two": two}
    assert (after.revision, after.position) == (2, "2-0")


async def test_a_text_that_did_not_change_keeps_its_very_part() -> None:
    texts = texts_of(one=make_project().project, key=make_upstream("http://127.0.0.1:1/v1", uid="key"))
    before = await decoder().whole(texts, State(), revision=1, position="1-0")
    after = await decoder().whole(texts, before, revision=2, position="2-0")
    assert after.parts[keys.PROJECTS]["one"] is before.parts[keys.PROJECTS]["one"]
    assert after.parts[keys.UPSTREAMS]["key"] is before.parts[keys.UPSTREAMS]["key"]


async def test_a_field_that_does_not_parse_is_left_out_and_named(caplog: pytest.LogCaptureFixture) -> None:
    good = make_project().project
    texts = {keys.PROJECTS: {"good": wire.encode(good, KEYRING), "bad": '{"uid": 3, "secret-looking": "x"}'}}
    with caplog.at_level(logging.ERROR):
        state = await decoder().whole(texts, State(), revision=1, position="1-0")
    assert state.snapshot().projects == {"good": good}
    assert [record.__dict__["uid"] for record in caplog.records] == ["bad"]
    assert "secret-looking" not in caplog.text


async def test_a_field_that_no_longer_parses_keeps_its_former_meaning() -> None:
    good = make_project().project
    before = await decoder().whole(texts_of(one=good), State(), revision=1, position="1-0")
    change = {keys.PROJECTS: {"one": "no JSON at all"}}
    after = await decoder().changed(change, before, revision=2, position="2-0")
    assert after.snapshot().projects == {"one": good}


async def test_a_field_that_is_gone_is_forgotten() -> None:
    before = await decoder().whole(texts_of(one=make_project().project), State(), revision=1, position="1-0")
    after = await decoder().changed({keys.PROJECTS: {"one": None}}, before, revision=2, position="2-0")
    assert after.snapshot().projects == {}


async def test_credentials_that_all_stay_shut_refuse_the_whole_load_with_a_sentence() -> None:
    texts = texts_of(key=make_upstream("http://127.0.0.1:1/v1", uid="key"))
    stranger = Keyring.parse(Keyring.generate("other"))
    with pytest.raises(ConfigUnusableError, match="give this gateway the encryption keys"):
        await decoder(stranger).whole(texts, State(), revision=1, position="1-0")


async def test_a_hash_of_a_newer_operator_is_ignored() -> None:
    state = await decoder().whole({"havuz:{config}:agents": {"x": "{}"}}, State(), revision=1, position="1-0")
    assert state.snapshot().projects == {}
