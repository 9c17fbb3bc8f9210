"""A moment of `make fuzz`, with the same inputs every time, and a proof that it would find something."""

from hypothesis import strategies as st

from harness.fuzz import targets
from harness.fuzz.__main__ import fuzz

SECONDS = 5.0


def test_nothing_is_found_in_a_moment() -> None:
    assert fuzz(SECONDS, first_seed=1, chosen=dict(targets.targets())) == []


def test_a_fault_is_found_and_told_with_its_seed() -> None:
    def faulty(data: st.DataObject) -> None:
        assert data.draw(st.integers(0, 100)) < 7

    found = fuzz(SECONDS, first_seed=3, chosen={"numbers": faulty})
    assert len(found) == 1
    assert found[0].startswith("numbers (seed 3):\n")
    assert "Draw 1: 7\n" in found[0]


def test_every_stream_between_two_protocols_is_fuzzed() -> None:
    names = {name for name, _ in targets.targets()}
    assert {"stream of anthropic to openai_chat", "relayed stream of anthropic chat", "body of openai_chat"} <= names
