"""OpenAI's pictures to and from the neutral form, for providers that speak another language."""

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

from havuz_gateway.errors import InvalidRequest
from havuz_gateway.protocols.neutral.errors import cannot_say
from havuz_gateway.protocols.neutral.images import ImageAnswer, ImageRequest, Picture
from havuz_gateway.protocols.openai.complaints import wrong
from havuz_gateway.protocols.openai_images.request import size_of
from havuz_gateway.protocols.usage import Usage

_DATA_URL = re.compile(r"data:(image/[a-z0-9.+-]+);base64,([A-Za-z0-9+/=\s]+)", re.IGNORECASE)
_READ = frozenset({"model", "prompt", "n", "size", "width", "height", "images", "mask", "stream", "response_format"})
_NO_TOKENS = Usage(input=0, output=0)
_SIGNATURES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp", b"GIF8": "image/gif"}


def decode_request(fields: Mapping[str, Any], files: Mapping[str, list[bytes]]) -> ImageRequest:
    """The neutral form of checked `fields` and of the `files` of a form, by name.

    Raises `InvalidRequest`, and `CannotExpress` for what only a provider of OpenAI's own pictures can do.
    """
    if fields.get("response_format") == "url":
        raise cannot_say("response_format", "'url': its pictures come as base64", "images")
    if fields.get("background") == "transparent":
        raise cannot_say("background", "'transparent'", "images")
    named = [_named(f"images[{index}]", image) for index, image in enumerate(fields.get("images") or ())]
    uploaded = [_uploaded(data) for name in ("image", "image[]") for data in files.get(name, ())]
    masks = [_uploaded(data) for data in files.get("mask", ())]
    if fields.get("mask") is not None:
        masks.append(_named("mask", fields["mask"]))
    return ImageRequest(
        model=fields["model"],
        prompt=fields["prompt"],
        count=fields.get("n") or 1,
        size=size_of(fields),
        pictures=(*named, *uploaded),
        mask=next(iter(masks), None),
        hints={name: value for name, value in fields.items() if name not in _READ and _says(name, value)},
    )


def encode_answer(answer: ImageAnswer, created: int) -> dict[str, Any]:
    """OpenAI's body for an answer; `created` is unix seconds."""
    body: dict[str, Any] = {
        "created": created,
        "data": [{"b64_json": picture.data} for picture in answer.pictures],
        "output_format": _format(answer.pictures[0]),
    }
    if answer.size is not None:
        body["size"] = _written(answer.size)
    if answer.usage.input or answer.usage.output:
        body["usage"] = _tokens(answer.usage)
    return body


def encode_events(answer: ImageAnswer, request: ImageRequest, created: int) -> Iterator[dict[str, Any]]:
    """OpenAI's stream for an answer that came whole: one last event for each picture, and no partial one before it.

    https://platform.openai.com/docs/api-reference/images-streaming. What all of them used is told by the first.
    """
    size, usage = answer.size or request.size, answer.usage
    for picture in answer.pictures:
        yield {
            "type": "image_edit.completed" if request.pictures else "image_generation.completed",
            "b64_json": picture.data,
            "created_at": created,
            "size": _written(size) if size is not None else "auto",
            "quality": request.hints.get("quality", "auto"),
            "background": "auto",
            "output_format": _format(picture),
            "usage": _tokens(usage),
        }
        usage = _NO_TOKENS


def _tokens(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {"text_tokens": usage.input, "image_tokens": 0},
        "output_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
    }


def _written(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _format(picture: Picture) -> str:
    return (picture.media_type or "image/png").partition("/")[2]


def _says(name: str, value: Any) -> bool:
    """Whether a field asks for anything."""
    return value is not None and (name, value) != ("partial_images", 0)


def _named(path: str, reference: Mapping[str, Any]) -> Picture:
    url = reference.get("image_url")
    if url is None:
        raise cannot_say(f"{path}.file_id", "a file that only its own provider has", "images")
    found = _DATA_URL.fullmatch(url)
    if found is None:
        if url.startswith(("http://", "https://")):
            raise cannot_say(f"{path}.image_url", "a picture at an address: send it as a data URL", "images")
        raise wrong(f"{path}.image_url", url, "a URL, or a data URL with a picture as base64")
    return Picture("".join(found[2].split()), found[1].lower())


def _uploaded(data: bytes) -> Picture:
    kind = next((kind for start, kind in _SIGNATURES.items() if data.startswith(start)), None)
    if kind is None:
        raise InvalidRequest("a file of the form is no PNG, JPEG, WEBP or GIF: send one of these", param="image")
    return Picture(base64.b64encode(data).decode(), kind)
