"""What pictures and sound are thought to use before anybody tells."""

from typing import Any

import pytest

from havuz_contract.snapshot.models import Parameters
from havuz_gateway.metering.estimate import Estimate
from havuz_gateway.metering.media import estimate_media


def image(fields: dict[str, Any], *, attached: int = 0, layers: tuple[Parameters, ...] = ()) -> Estimate:
    return estimate_media("image", {"prompt": "a fox", **fields}, size=100, attached=attached, layers=layers)


@pytest.mark.parametrize(("n", "pictures"), [(None, 1), (1, 1), (4, 4)])
def test_pictures_are_counted_as_they_are_asked_for(n: int | None, pictures: int) -> None:
    found = image({"n": n})
    assert (found.pieces.images, found.choices) == (pictures, pictures)
    assert found.expected == found.input + 6_300 * pictures
    assert found.most_output(None) == 16_384 * pictures


def test_parameters_of_a_target_change_how_many_are_drawn() -> None:
    assert image({"n": 4}, layers=(Parameters(overrides={"n": 2}),)).pieces.images == 2
    assert image({"n": 4}, layers=(Parameters(drop=("n",)),)).pieces.images == 1
    assert image({}, layers=(Parameters(defaults={"n": 3}),)).pieces.images == 3


def test_a_poorer_quality_and_pictures_to_change_count() -> None:
    assert image({"quality": "low"}).expected < image({"quality": "medium"}).expected < image({}).expected
    assert image({}, attached=2).input == image({}).input + 3_000
    assert image({}, attached=2).most_input == image({}).most_input + 80_000


def test_speech_is_counted_by_characters_and_not_by_bytes() -> None:
    found = estimate_media("speech", {"input": "şğü" * 100, "instructions": "calm"}, size=900)
    assert (found.pieces.characters, found.expected - found.input) == (300, 450)
    assert found.most_output(None) == 2_400


@pytest.mark.parametrize(
    ("seconds", "likely"), [(None, 12_500), (7.5, 7_500), (10**9, 100_000)], ids=["unknown", "told", "boasted"]
)
def test_sound_is_at_most_as_long_as_its_size_allows(seconds: float | None, likely: int) -> None:
    found = estimate_media("transcription", {}, size=100_000, seconds=seconds)
    assert (found.pieces.audio_ms, found.pieces.most_audio_ms) == (likely, 100_000)
    assert found.most_input >= 100 * 20
