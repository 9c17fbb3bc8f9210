"""Requests and answers of `/sdapi/v1/txt2img` and `/sdapi/v1/img2img`.

The members are those of the server's own `/docs`. OpenAI's body may carry them beside OpenAI's fields: negative_prompt,
sampler_name, scheduler, steps, cfg_scale, seed and denoising_strength.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from havuz_gateway.protocols.answer import decode_answer
from havuz_gateway.protocols.codec import Encoded
from havuz_gateway.protocols.error_bodies import read_error as read_any_error
from havuz_gateway.protocols.errors import AnswerUnreadable, ProviderError
from havuz_gateway.protocols.json_text import load_object
from havuz_gateway.protocols.neutral.errors import AnswerFailed, cannot_say
from havuz_gateway.protocols.neutral.images import ImageAnswer, ImageRequest, Picture
from havuz_gateway.protocols.usage import Usage

PROTOCOL = "stable_diffusion"
_OWN = ("negative_prompt", "sampler_name", "scheduler", "steps", "cfg_scale", "seed", "denoising_strength")
_CHECKPOINT = "sd_model_checkpoint"


def encode_request(request: ImageRequest) -> Encoded:
    """The body that draws `request`. Raises `CannotExpress`."""
    if len(request.pictures) > 1:
        raise cannot_say("images[1]", "a second picture to change", PROTOCOL)
    body: dict[str, Any] = {
        "prompt": request.prompt,
        "batch_size": request.count,
        "override_settings": {_CHECKPOINT: request.model},
        "send_images": True,
        "save_images": False,
    }
    if request.size is not None:
        body["width"], body["height"] = request.size
    body |= {name: request.hints[name] for name in _OWN if name in request.hints}
    if request.pictures:
        body["init_images"] = [request.pictures[0].data]
    if request.mask is not None:
        # OpenAI's masks are transparent where the picture is to change, this server's the other way round
        body |= {"mask": request.mask.data, "inpainting_mask_invert": 1}
    return Encoded(body, tuple(sorted(name for name in request.hints if name not in _OWN)))


def decode_answer_of(body: bytes, request: ImageRequest) -> ImageAnswer:
    """The pictures that `request` got. Raises `AnswerUnreadable`, and `AnswerFailed` where another model drew them."""
    fields = decode_answer(body)
    images = fields.get("images")
    if not isinstance(images, list) or not images or not all(isinstance(one, str) for one in images):
        raise AnswerUnreadable("the provider's answer has no pictures in 'images'")
    info = load_object(fields["info"]) if isinstance(fields.get("info"), str) else None
    _check_model(info or {}, request.model)
    first = (info or {}).get("index_of_first_image")
    drawn = images[first if type(first) is int and 0 <= first < len(images) else 0 :]  # before them may be a grid
    pictures = tuple(_picture(one) for one in drawn)
    return ImageAnswer(pictures, Usage(input=0, output=0, images=len(pictures)), size=_size(info or {}))


def read_error(body: bytes) -> ProviderError:
    """The error of a refused call. A sampler that is not there is told by a 404, as a missing model elsewhere is."""
    error = read_any_error(body)
    if error.message.lower().startswith(("sampler not found", "invalid sampler")):
        return replace(error, param="sampler_name")
    return error


def _check_model(info: Mapping[str, Any], asked: str) -> None:
    """The server draws with the checkpoint it has loaded where it does not have the one that was asked for."""
    name, digest = info.get("sd_model_name"), info.get("sd_model_hash")
    if not isinstance(name, str) or not name:
        return
    if _stem(asked) in (_stem(name), digest) or (isinstance(digest, str) and digest and f"[{digest}]" in asked):
        return
    raise AnswerFailed(
        ProviderError(f"the server has no checkpoint {asked!r} and drew with {name!r} instead", code="model_not_found")
    )


def _stem(checkpoint: str) -> str:
    """Of `folder/name.safetensors [hash]`, the name."""
    plain = checkpoint.partition(" [")[0].replace("\\", "/").rpartition("/")[2]
    return plain.removesuffix(".safetensors").removesuffix(".ckpt").lower()


def _picture(encoded: str) -> Picture:
    return Picture(encoded.partition(",")[2] if encoded.startswith("data:") else encoded, "image/png")


def _size(info: Mapping[str, Any]) -> tuple[int, int] | None:
    width, height = info.get("width"), info.get("height")
    return (width, height) if type(width) is int and type(height) is int else None
