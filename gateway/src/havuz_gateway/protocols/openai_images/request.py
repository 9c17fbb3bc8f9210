"""Reading a request for pictures: the few fields the gateway acts on, after a check of all that it knows.

https://platform.openai.com/docs/api-reference/images/create and …/images/createEdit. `timeout` is havuz's own, and so
are the members that only servers of Stable Diffusion know.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from havuz_gateway.protocols.openai.complaints import missing, wrong
from havuz_gateway.protocols.openai.fields import (
    Check,
    array,
    boolean,
    check_fields,
    integer,
    mapping,
    number,
    one_of,
    required_text,
    text,
)
from havuz_gateway.protocols.openai.forms import Kind
from havuz_gateway.protocols.own_members import read_own

PROTOCOL = "openai_images"
MAX_PICTURES = 10
FORM_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(
        ("n", "output_compression", "partial_images", "timeout", "steps", "width", "height", "seed"), "integer"
    ),
    **dict.fromkeys(("cfg_scale", "denoising_strength"), "number"),
    "stream": "boolean",
}
MAX_PROMPT = 32_000  # characters
MAX_INPUTS = 16
_MAX_STEPS = 150
_SIZE = re.compile(r"([1-9]\d{1,4})x([1-9]\d{1,4})")
_SIDES = (64, 4_096)


@dataclass(frozen=True, slots=True)
class ImageFields:
    """What the gateway acts on. `timeout` is seconds."""

    model: str
    stream: bool
    timeout: float | None


def read_generation(fields: Mapping[str, Any]) -> ImageFields:
    """Check the decoded body of a generation. Raises `InvalidRequest`, whose `param` names the field."""
    model = _read(fields)
    return ImageFields(model, fields.get("stream") is True, read_own(fields).timeout)


def read_edit(fields: Mapping[str, Any]) -> ImageFields:
    """Check the decoded body of an edit that is JSON. Raises `InvalidRequest`, whose `param` names the field."""
    model = _read(fields)
    images = fields.get("images")
    wanted = f"a non-empty array of at most {MAX_INPUTS} objects with an image_url or a file_id"
    if images is None:
        raise missing("images", wanted)
    array("images", images)
    if not 1 <= len(images) <= MAX_INPUTS:
        raise wrong("images", images, wanted)
    for index, image in enumerate(images):
        _reference(f"images[{index}]", image)
    if fields.get("mask") is not None:
        _reference("mask", fields["mask"])
    return ImageFields(model, fields.get("stream") is True, read_own(fields).timeout)


def read_edit_form(fields: Mapping[str, Any], files: Mapping[str, int]) -> ImageFields:
    """Check an edit that came as a form; `files` are the numbers of its files by name. Raises `InvalidRequest`."""
    model = _read(fields)
    pictures = files.get("image", 0) + files.get("image[]", 0)
    if not pictures:
        raise missing("image", "a file: a PNG, WEBP or JPEG picture")
    if pictures > MAX_INPUTS:
        raise wrong("image", [None] * pictures, f"at most {MAX_INPUTS} files")
    return ImageFields(model, fields.get("stream") is True, read_own(fields).timeout)


def size_of(fields: Mapping[str, Any]) -> tuple[int, int] | None:
    """Width and height in pixels: `width` and `height` where both are given, else `size`. None: it is left open."""
    width, height = fields.get("width"), fields.get("height")
    if isinstance(width, int) and isinstance(height, int):
        return width, height
    found = _SIZE.fullmatch(str(fields.get("size")))
    return (int(found[1]), int(found[2])) if found is not None else None


def _read(fields: Mapping[str, Any]) -> str:
    model = required_text(fields, "model")
    prompt = required_text(fields, "prompt")
    if len(prompt) > MAX_PROMPT:
        raise wrong("prompt", prompt, f"at most {MAX_PROMPT} characters, and it has {len(prompt)}")
    check_fields(fields, FIELDS)
    if fields.get("partial_images") and fields.get("stream") is not True:
        raise wrong("partial_images", fields["partial_images"], "left out or 0 where 'stream' is not true")
    return model


def _reference(path: str, value: Any) -> None:
    mapping(path, value)
    url, file_id = value.get("image_url"), value.get("file_id")
    if (url is None) == (file_id is None):
        raise wrong(path, value, "an object with either an image_url or a file_id")
    name, given = ("image_url", url) if file_id is None else ("file_id", file_id)
    if type(given) is not str or not given:
        raise wrong(f"{path}.{name}", given, "a non-empty string")


def _size(path: str, value: Any) -> None:
    if value != "auto" and (type(value) is not str or not _SIZE.fullmatch(value)):
        raise wrong(path, value, "'auto' or width and height in pixels, such as '1024x1536'")


FIELDS: dict[str, Check] = {
    "n": integer(1, MAX_PICTURES),
    "size": _size,
    "quality": one_of("auto", "low", "medium", "high", "xhigh", "max", "standard", "hd"),
    "background": one_of("auto", "transparent", "opaque"),
    "output_format": one_of("png", "jpeg", "webp", "gif", "svg"),
    "output_compression": integer(0, 100),
    "moderation": one_of("auto", "low"),
    "response_format": one_of("b64_json", "url"),
    "style": one_of("vivid", "natural"),
    "input_fidelity": one_of("low", "high"),
    "partial_images": integer(0, 3),
    "stream": boolean,
    "user": text,
    "safety_identifier": text,
    "negative_prompt": text,
    "sampler_name": text,
    "scheduler": text,
    "steps": integer(1, _MAX_STEPS),
    "cfg_scale": number(0, 30),
    "width": integer(*_SIDES),
    "height": integer(*_SIDES),
    "seed": integer(-1, 2**53),
    "denoising_strength": number(0, 1),
}
