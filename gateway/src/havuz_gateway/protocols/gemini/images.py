"""Pictures by Gemini's models (`generateContent`) and by Imagen (`predict`).

https://ai.google.dev/gemini-api/docs/image-generation and https://ai.google.dev/gemini-api/docs/imagen
"""

from collections.abc import Mapping
from math import gcd
from typing import Any

from havuz_gateway.protocols.answer import decode_answer
from havuz_gateway.protocols.codec import Encoded
from havuz_gateway.protocols.errors import AnswerUnreadable, ProviderError
from havuz_gateway.protocols.gemini.usage import read_usage
from havuz_gateway.protocols.neutral.errors import AnswerFailed, cannot_say
from havuz_gateway.protocols.neutral.images import ImageAnswer, ImageRequest, Picture
from havuz_gateway.protocols.usage import Usage

PROTOCOL = "gemini_images"
_RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
_IMAGEN_RATIOS = ("1:1", "3:4", "4:3", "9:16", "16:9")
_MOST_OF_IMAGEN = 4
_NOTHING = Usage(input=0, output=0)


def is_imagen(model: str) -> bool:
    """Whether a model is called by `predict`."""
    return model.removeprefix("models/").startswith("imagen")


def encode_request(request: ImageRequest) -> Encoded:
    """The body that draws `request`, by its model. Raises `CannotExpress`."""
    if request.mask is not None:
        raise cannot_say("mask", "a mask", PROTOCOL)
    return _for_imagen(request) if is_imagen(request.model) else _for_gemini(request)


def decode_answer_of(body: bytes, request: ImageRequest) -> ImageAnswer:
    """The pictures that `request` got. Raises `AnswerUnreadable`, `AnswerFailed` where the model drew nothing."""
    fields = decode_answer(body)
    pictures = tuple(_of_imagen(fields) if is_imagen(request.model) else _of_gemini(fields))
    if not pictures:
        raise AnswerFailed(ProviderError(_why_nothing(fields), code=400))
    used = read_usage(fields.get("usageMetadata")) or _NOTHING
    name = fields.get("modelVersion")
    return ImageAnswer(
        pictures,
        Usage(input=used.input, output=used.output, reasoning=used.reasoning, clamped=used.clamped,
              cache_read=used.cache_read, images=len(pictures)),
        id=fields["responseId"] if isinstance(fields.get("responseId"), str) else None,
        model=name if isinstance(name, str) else None,
    )  # fmt: skip


def _for_gemini(request: ImageRequest) -> Encoded:
    if request.count > 1:
        raise cannot_say("n", f"{request.count}: one picture a request", PROTOCOL)
    parts: list[dict[str, Any]] = [{"text": request.prompt}]
    parts += ({"inlineData": {"mimeType": one.media_type or "image/png", "data": one.data}} for one in request.pictures)
    config: dict[str, Any] = {"responseModalities": ["TEXT", "IMAGE"]}
    ratio, exact = _ratio(request.size, _RATIOS)
    if ratio is not None:
        config["imageConfig"] = {"aspectRatio": ratio}
    seed = request.hints.get("seed")
    if type(seed) is int and seed >= 0:
        config["seed"] = seed
    body = {"contents": [{"role": "user", "parts": parts}], "generationConfig": config}
    return Encoded(body, _dropped(request, exact=exact, told=("seed",) if "seed" in config else ()))


def _for_imagen(request: ImageRequest) -> Encoded:
    if request.pictures:
        raise cannot_say("images", "pictures to change", PROTOCOL)
    if request.count > _MOST_OF_IMAGEN:
        raise cannot_say("n", f"{request.count}: at most {_MOST_OF_IMAGEN} pictures a request", PROTOCOL)
    parameters: dict[str, Any] = {"sampleCount": request.count}
    ratio, exact = _ratio(request.size, _IMAGEN_RATIOS)
    if ratio is not None:
        parameters["aspectRatio"] = ratio
    return Encoded(
        {"instances": [{"prompt": request.prompt}], "parameters": parameters}, _dropped(request, exact=exact, told=())
    )


def _ratio(size: tuple[int, int] | None, known: tuple[str, ...]) -> tuple[str | None, bool]:
    """The nearest of the known proportions, and whether it is the one asked for. Sizes in pixels nobody can ask for."""
    if size is None:
        return None, True
    width, height = size
    shared = gcd(width, height)
    if f"{width // shared}:{height // shared}" in known:
        return f"{width // shared}:{height // shared}", True
    return min(known, key=lambda one: abs(_value(one) - width / height)), False


def _value(ratio: str) -> float:
    width, _, height = ratio.partition(":")
    return int(width) / int(height)


def _dropped(request: ImageRequest, *, exact: bool, told: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({name for name in request.hints if name not in told} | (set() if exact else {"size"})))


def _of_imagen(fields: Mapping[str, Any]) -> list[Picture]:
    found = fields.get("predictions")
    if found is not None and not isinstance(found, list):
        raise AnswerUnreadable("the provider's answer has no list of 'predictions'")
    return [
        Picture(one["bytesBase64Encoded"], one.get("mimeType"))
        for one in found or ()
        if isinstance(one, Mapping) and isinstance(one.get("bytesBase64Encoded"), str)
    ]


def _of_gemini(fields: Mapping[str, Any]) -> list[Picture]:
    pictures = []
    for part in _parts(fields):
        inline = part.get("inlineData")
        if isinstance(inline, Mapping) and isinstance(inline.get("data"), str) and not part.get("thought"):
            pictures.append(Picture(inline["data"], inline.get("mimeType")))
    return pictures


def _parts(fields: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    match fields.get("candidates"):
        case [{"content": {"parts": [*parts]}}, *_]:
            return [part for part in parts if isinstance(part, Mapping)]
        case _:
            return []


def _why_nothing(fields: Mapping[str, Any]) -> str:
    """A sentence for an answer without a picture: the prompt was blocked, or the model said something instead."""
    match fields:
        case {"promptFeedback": {"blockReason": str() as reason}}:
            return f"the prompt was blocked: {reason}"
        case {"candidates": [{"finishReason": str() as reason}, *_]} if reason != "STOP":
            return f"no picture was drawn: {reason}"
        case {"predictions": [{"raiFilteredReason": str() as reason}, *_]}:
            return f"no picture was drawn: {reason[:300]}"
        case _:
            said = " ".join(str(part["text"]) for part in _parts(fields) if part.get("text"))
            return f"no picture was drawn; the model said: {said[:300]}" if said else "no picture was drawn"
