"""Between any two protocols nothing is lost silently, and the committed table says what becomes of each feature."""

from typing import get_args

import pytest

from harness.pairings import answer_bodies, request_bodies
from harness.pairings.__main__ import PAGE
from harness.pairings.probe import CHAT, Probe
from harness.pairings.table import ANSWERS, NAMES, REQUESTS, Kind, page, probes, verdict
from havuz_gateway.protocols.registry import CODECS

KINDS = get_args(Kind)


def test_the_committed_table_is_what_the_probes_find() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make generate`"


@pytest.mark.parametrize("protocol", list(CODECS))
def test_every_protocol_has_its_words_in_the_probes(protocol: str) -> None:
    assert protocol in NAMES
    assert protocol in request_bodies.BASES
    assert protocol in answer_bodies.BASES
    for group in (*REQUESTS.values(), *ANSWERS.values()):
        assert any(protocol in probe.said for probe in group)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_lost_without_a_name(kind: Kind) -> None:
    lost = []
    for probe, client, provider in probes(kind):
        found = verdict(kind, probe, client, provider)
        if found is not None and found.outcome == "lost":
            lost.append(f"{probe.name}: {client.protocol} → {provider.protocol}")
    assert lost == []


@pytest.mark.parametrize("kind", ["request", "answer"])
def test_through_its_own_protocol_everything_stays_as_it_is(kind: Kind) -> None:
    same = [(probe, codec) for probe, codec, provider in probes(kind) if codec is provider]
    changed = [
        f"{probe.name} of {codec.protocol}: {found.outcome} {found.names}"
        for probe, codec in same
        if (found := verdict(kind, probe, codec, codec)) is not None and found.outcome != "kept"
    ]
    assert changed == []


def test_a_feature_that_vanishes_is_found() -> None:
    vanishing = Probe("a field that decoding takes out", {CHAT: {"think": True}})
    for provider in CODECS.values():
        found = verdict("request", vanishing, CODECS[CHAT], provider)
        assert found is not None
        assert found.outcome == "lost"


def test_a_feature_that_arrives_in_part_is_lost() -> None:
    said = {CHAT: {"messages": [{"role": "user", "content": "half"}]}}
    found = verdict("request", Probe("half of it", said, ("half", "the rest")), CODECS[CHAT], CODECS["anthropic"])
    assert found is not None
    assert found.outcome == "lost"
