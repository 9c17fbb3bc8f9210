"""OpenAI's pictures to and from the neutral form, for providers that speak another language."""

import base64
import re
from collections.abc import Mapping
from typing import Any

from havuz_gateway.errors import InvalidRequest
from havuz_gateway.protocols.neutral.errors import cannot_say
from havuz_gateway.protocols.neutral.images import ImageAnswer, ImageRequest, Picture
from havuz_gateway.protocols.openai.complaints import wrong
from havuz_gateway.protocols.openai_images.request import size_of

_DATA_URL = re.compile(r"data:(image/[a-z0-9.+-]+);base64,([A-Za-z0-9+/=\s]+)", re.IGNORECASE)
_READ = frozenset({"model", "prompt", "n", "size", "width", "height", "images", "mask", "stream", "partial_images",
                   "response_format"})  # fmt: skip
_SIGNATURES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp", b"GIF8": "image/gif"}


def decode_request(fields: Mapping[str, Any], files: Mapping[str, list[bytes]]) -> ImageRequest:
    """The neutral form of checked `fields` and of the `files` of a form, by name.

    Raises `InvalidRequest`, and `CannotExpress` for what only a provider of OpenAI's own pictures can do.
    """
    if fields.get("stream"):
        raise cannot_say("stream", "true: its pictures come whole", "images")
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
        hints={name: value for name, value in fields.items() if name not in _READ and value is not None},
    )


def encode_answer(answer: ImageAnswer, created: int) -> dict[str, Any]:
    """OpenAI's body for an answer; `created` is unix seconds."""
    usage = answer.usage
    kind = answer.pictures[0].media_type or "image/png"
    body: dict[str, Any] = {
        "created": created,
        "data": [{"b64_json": picture.data} for picture in answer.pictures],
        "output_format": kind.partition("/")[2],
    }
    if answer.size is not None:
        body["size"] = f"{answer.size[0]}x{answer.size[1]}"
    if usage.input or usage.output:
        body["usage"] = {
            "input_tokens": usage.input,
            "input_tokens_details": {"text_tokens": usage.input, "image_tokens": 0},
            "output_tokens": usage.output,
            "total_tokens": usage.input + usage.output,
        }
    return body


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
