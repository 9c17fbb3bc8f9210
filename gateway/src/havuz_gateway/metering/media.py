"""What pictures and sound use, before and without a provider's own numbers. Pure, and documented for customers.

Pictures are counted as they are asked for, and characters as they are sent. How long a sound is, only its provider
knows: at most as long as a body of that size can be at 8 kbit/s, and where nobody says, as long as at 64 kbit/s.
Tokens matter only where a price names them: a picture is drawn with 400 to 16,000 of them, a second of sound has 20,
and a character is spoken with one and a half.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from havuz_contract.snapshot.models import Operation, Parameters
from havuz_gateway.metering.estimate import (
    ATTACHMENT_TOKENS,
    MOST_ADDED_TOKENS,
    MOST_ATTACHMENT_TOKENS,
    Estimate,
    Pieces,
    tokens_of,
)

MEDIA: frozenset[Operation] = frozenset({"image", "speech", "transcription"})
LEAST_BYTES_PER_SECOND = 1_000
USUAL_BYTES_PER_SECOND = 8_000
TOKENS_PER_SECOND = 20
_MOST_PICTURE_TOKENS = 16_384
_PICTURE_TOKENS = {"low": 400, "medium": 1_600, "standard": 1_600}  # any other may be the best quality
_BEST_PICTURE_TOKENS = 6_300
_SLOWEST_SPEECH = 8  # tokens a character, at a quarter of the usual speed
_MILLISECONDS = 1_000


def estimate_media(
    operation: Operation,
    fields: Mapping[str, Any],
    *,
    size: int,
    attached: int = 0,
    seconds: float | None = None,
    layers: Iterable[Parameters] = (),
) -> Estimate:
    """The estimate of a request whose fields are these; `layers` change them on the way to a target.

    `size` is the bytes of the body, `attached` the number of its pictures, `seconds` how long its sound says it is.
    """
    match operation:
        case "image":
            return _image(_changed(fields, layers), attached)
        case "speech":
            return _speech(_changed(fields, layers))
        case "transcription":
            return _transcription(_changed(fields, layers), size, seconds)
        case _:
            raise ValueError(f"{operation!r} is neither pictures nor sound")


def _image(fields: Mapping[str, Any], attached: int) -> Estimate:
    pictures = _count(fields.get("n"))
    prompt = _bytes(fields.get("prompt"))
    return Estimate(
        input=tokens_of(prompt) + attached * ATTACHMENT_TOKENS,
        most_input=prompt + MOST_ADDED_TOKENS + attached * MOST_ATTACHMENT_TOKENS,
        output=pictures * _MOST_PICTURE_TOKENS,
        choices=pictures,
        usual_output=_PICTURE_TOKENS.get(str(fields.get("quality")), _BEST_PICTURE_TOKENS),
        pieces=Pieces(images=pictures),
    )


def _speech(fields: Mapping[str, Any]) -> Estimate:
    text = fields.get("input")
    characters = len(text) if isinstance(text, str) else 0
    read = _bytes(text) + _bytes(fields.get("instructions"))
    return Estimate(
        input=tokens_of(read),
        most_input=read + MOST_ADDED_TOKENS,
        output=characters * _SLOWEST_SPEECH,
        usual_output=characters * 3 // 2,
        pieces=Pieces(characters=characters),
    )


def _transcription(fields: Mapping[str, Any], size: int, seconds: float | None) -> Estimate:
    longest = size / LEAST_BYTES_PER_SECOND
    likely = min(size / USUAL_BYTES_PER_SECOND if seconds is None else seconds, longest)
    prompt = _bytes(fields.get("prompt"))
    return Estimate(
        input=tokens_of(prompt) + int(likely * TOKENS_PER_SECOND),
        most_input=prompt + MOST_ADDED_TOKENS + int(longest * TOKENS_PER_SECOND),
        usual_output=int(likely * TOKENS_PER_SECOND) // 4,
        pieces=Pieces(audio_ms=int(likely * _MILLISECONDS), most_audio_ms=int(longest * _MILLISECONDS)),
    )


def _changed(fields: Mapping[str, Any], layers: Iterable[Parameters]) -> Mapping[str, Any]:
    changed = dict(fields)
    for layer in layers:
        for name, value in layer.defaults.items():
            changed.setdefault(name, value)
        changed.update(layer.overrides)
        for name in layer.drop:
            if name not in layer.overrides:
                changed.pop(name, None)
    return changed


def _count(value: Any) -> int:
    return value if type(value) is int and value > 0 else 1


def _bytes(value: Any) -> int:
    return len(value.encode("utf-8", "surrogatepass")) if isinstance(value, str) else 0
